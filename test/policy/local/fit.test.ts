import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeConfig } from '../../../src/config/load.ts';
import type { Config, ConfigInput } from '../../../src/config/schema.ts';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import { fit } from '../../../src/policy/local/fit.ts';
import { sizeRun } from '../../../src/policy/local/size-run.ts';
import { writeRandomModel } from '../../../src/pretrain/random/folder.ts';
import { CancelledError, InputError } from '../../../src/protocol/errors.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { TINY_SHAPE } from '../../support/tiny-shape.ts';

let config: Config;

const place = mkdtempSync(join(tmpdir(), 'quorum-fit-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

beforeAll(async () => {
  const folder = join(place, 'model');
  await writeRandomModel({ folder, shape: TINY_SHAPE, dtype: 'F32', seed: 0 });
  config = changed({ model: folder });
});

const changed = (input: ConfigInput): Config =>
  completeConfig({
    promptTemplate: '{question}',
    sampling: { samples: 8, maxNewTokens: 128 },
    loop: { jobQuestions: 16, batchGroups: 8 },
    learner: { adapter: { type: 'lora', rank: 4 } },
    ...input,
  }).config;

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
    const whole = await fit(config, [], Infinity);
    expect(whole.rows).toBe(16 * 8);
    const smaller = await fit(config, [], whole.needed - 1);
    expect(smaller.rows).toBeLessThan(whole.rows);
    expect(smaller.rows % 8).toBe(0);
    expect(smaller.needed).toBeLessThan(whole.needed);
  });

  it('refuses a run that no number of rows makes fit, and says which settings would', async () => {
    const least = await fit({ ...config, workers: { ...config.workers, rolloutRows: 8 } }, [], Infinity);
    const words = await refusal(fit(config, [], least.needed - 1));
    expect(words).toMatch(/would take about \d\.\d GB of memory, and \d\.\d GB are free: activations/);
    expect(words).toContain('What would fit: ');
    expect(words).toContain('sampling.maxNewTokens 64 (');
    expect(words).toContain('learner.recompute true (');
  });

  it('says so when no setting helps', async () => {
    expect(await refusal(fit(config, [], 1e6))).toContain('use a smaller model, or more memory');
  });

  it('keeps to the rows that are set', async () => {
    const set = { ...config, workers: { ...config.workers, rolloutRows: 64 } };
    const { rows, needed } = await fit(set, [], Infinity);
    expect(rows).toBe(64);
    expect(await refusal(fit(set, [], needed - 1))).toContain('What would fit');
  });
});

describe('sizeRun', () => {
  it('works the memory out in a thread, and tells of fewer rows', async () => {
    const { needed } = await fit(config, [], Infinity);
    const sized = await sizeRun(within((needed - 1) / 1e9), []);
    expect(sized.rows).toBeLessThan(16 * 8);
    expect(sized.notes.join('\n')).toMatch(/a sampler decodes \d+ responses at once, not 128: the run takes about/);
  });

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
