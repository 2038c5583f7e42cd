import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { completeConfig } from '../../../src/config/load.ts';
import type { Config, ConfigInput } from '../../../src/config/schema.ts';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import type { Place } from '../../../src/policy/local/devices.ts';
import { fit, type Fit } from '../../../src/policy/local/fit.ts';
import type { Needs } from '../../../src/policy/local/memory.ts';
import { sizeRun } from '../../../src/policy/local/size-run.ts';
import { writeRandomModel } from '../../../src/pretrain/random/folder.ts';
import { CancelledError, InputError } from '../../../src/protocol/errors.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { TINY_SHAPE } from '../../support/tiny-shape.ts';

let config: Config;
let input: ConfigInput;

const place = mkdtempSync(join(tmpdir(), 'quorum-fit-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

beforeAll(async () => {
  const folder = join(place, 'model');
  await writeRandomModel({ folder, shape: TINY_SHAPE, dtype: 'F32', seed: 0 });
  input = { model: folder, learner: { adapter: { type: 'lora', rank: 4 } } };
  config = changed(input);
});

const changed = (own: ConfigInput): Config =>
  completeConfig({
    promptTemplate: '{question}',
    sampling: { samples: 8, maxNewTokens: 128 },
    loop: { jobQuestions: 16, batchGroups: 8 },
    learner: { adapter: { type: 'lora', rank: 4 } },
    ...own,
  }).config;

const neededOf = ({ needs }: Fit, place: Place = 'host'): number => needs.find((each) => each.place === place)!.needed;

const withRows = (rolloutRows: number): Config => ({ ...config, workers: { ...config.workers, rolloutRows } });

/** A machine whose nvidia-smi says this of its GPUs. */
function withNvidiaSmi(line: string): void {
  const bin = temporaryFolder();
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH']}`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

const within = (memoryGigabytes: number): Config => ({ ...config, workers: { ...config.workers, memoryGigabytes } });

async function refusal(of: Promise<unknown>): Promise<string> {
  const error = await of.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('fit', () => {
  it('decodes a whole job at once where memory allows it, and else as many questions as fit', async () => {
    const whole = await fit(config, [], {});
    expect([whole.rows, whole.passTokens]).toEqual([16 * 8, 'auto']);
    const smaller = await fit(config, [], { host: neededOf(whole) - 1 });
    expect(smaller.rows).toBeLessThan(whole.rows);
    expect([smaller.rows % 8, smaller.passTokens]).toEqual([0, 'auto']);
    expect(neededOf(smaller)).toBeLessThan(neededOf(whole));
  });

  it('takes smaller passes where the rows of one question leave no room for those of `auto`', async () => {
    const least = neededOf(await fit(withRows(8), [], {}));
    const smaller = await fit(config, [], { host: least - 1 });
    expect(smaller.passTokens).toBeGreaterThan(100);
    expect(smaller.passTokens).toBeLessThan(4 * 8 * 128);
    expect(neededOf(smaller)).toBeLessThan(least);
    // The larger passes do not fit.
    const twice = changed({ ...input, learner: { ...input.learner, passTokens: 2 * (smaller.passTokens as number) } });
    await refusal(fit(twice, [], { host: least - 1 }));
  });

  it('looks at each place where the run has threads', async () => {
    const workers = { rollout: ['cuda:0', 'cuda:0', 'cuda:1'], learner: ['cpu'] } satisfies ConfigInput['workers'];
    const mixed = changed({ ...input, workers });
    const { needs, rows } = await fit(mixed, [], {});
    expect(needs.map(({ place }) => place)).toEqual(['host', 'cuda:0', 'cuda:1']);
    const [host, first, second] = needs as [Needs, Needs, Needs];
    expect([first.parts.activations, host.parts.cache, host.parts.sampling]).toEqual([0, 0, 0]);
    expect(host.parts.activations).toBeGreaterThan(0);
    expect(first.parts.cache).toBe(2 * second.parts.cache);
    const smaller = await fit(mixed, [], { 'cuda:1': second.needed - 1 });
    expect(smaller.rows).toBeLessThan(rows);
    expect(await refusal(fit(mixed, [], { 'cuda:1': 1 }))).toMatch(
      /would take about \d\.\d GB of the memory of cuda:1, and 0\.0 GB are free/,
    );
  });

  it('refuses a run that no number of rows makes fit, and says which settings would', async () => {
    const set = changed({ ...input, learner: { ...input.learner, passTokens: 4_000 }, workers: { rolloutRows: 8 } });
    const words = await refusal(fit(set, [], { host: neededOf(await fit(set, [], {})) - 1 }));
    expect(words).toMatch(/would take about \d\.\d GB of memory, and \d\.\d GB are free: process/);
    expect(words).toContain('What would fit: ');
    expect(words).toContain('sampling.maxNewTokens 64 (');
    expect(words).toContain('learner.passTokens 2000 (');
  });

  it('says so when no setting helps', async () => {
    expect(await refusal(fit(config, [], { host: 1e6 }))).toContain('use a smaller model, or more memory');
  });

  it('keeps to the rows that are set', async () => {
    const set = { ...withRows(64), learner: { ...config.learner, passTokens: 1 } };
    const found = await fit(set, [], {});
    expect(found.rows).toBe(64);
    expect(await refusal(fit(set, [], { host: neededOf(found) - 1 }))).toContain('What would fit');
  });
});

describe('sizeRun', () => {
  it('works the memory out in a thread, and tells of fewer rows', async () => {
    const sized = await sizeRun(within((neededOf(await fit(config, [], {})) - 1) / 1e9), []);
    expect(sized.rolloutRows).toBeLessThan(16 * 8);
    expect(sized.passTokens).toBe('auto');
    expect(sized.notes.join('\n')).toMatch(/a sampler decodes \d+ responses at once, not 128: the run takes about/);
  });

  it('leaves half of what the host has left to the programs of the learner', async () => {
    const needed = neededOf(await fit(config, [], {}));
    const { copiesGigabytes } = await sizeRun(within((needed + 4e9) / 1e9), []);
    expect(copiesGigabytes).toBeCloseTo(2, 3);
  });

  it('tells of smaller passes', async () => {
    const sized = await sizeRun(within((neededOf(await fit(withRows(8), [], {})) - 1) / 1e9), []);
    expect(sized.notes.join('\n')).toContain(`the learner takes at most ${sized.passTokens} tokens at once`);
  });

  it.skipIf(process.platform === 'win32')(
    'leaves half of what a GPU has left to programs, for each of its threads',
    async () => {
      const sampling = { samples: 4, maxNewTokens: 16 };
      const gpu = changed({ ...input, sampling, workers: { engine: 'cuda' } });
      const [, { needed }] = (await fit(gpu, [], {})).needs as [Needs, Needs];
      withNvidiaSmi('0, GPU-1, 300');
      const { copiesGigabytes, rolloutRows } = await sizeRun(gpu, []);
      expect(rolloutRows).toBe(16 * 4);
      expect(copiesGigabytes).toBeCloseTo((300 * 2 ** 20 - needed) / 4 / 1e9, 9);
      withNvidiaSmi('0, GPU-1, 1');
      expect(await refusal(sizeRun(gpu, []))).toContain('of the memory of cuda:0, and 0.0 GB are free');
    },
  );

  it('can be cancelled', async () => {
    const end = new AbortController();
    const sizing = sizeRun(within(1), [], end.signal);
    end.abort();
    await expect(sizing).rejects.toBeInstanceOf(CancelledError);
  });

  it('ends a start before the model is loaded', async () => {
    const starting = startDaemon({
      ...within(0.1),
      runFolder: join(temporaryFolder(), 'run'),
      dashboard: { ...config.dashboard, port: null },
    });
    expect(await refusal(starting)).toContain('0.1 GB may be taken (`workers.memoryGigabytes`)');
  });
});
