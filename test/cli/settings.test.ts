import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conditionOf } from '../../src/daemon/stop-when.ts';
import { ownDataSettings, resolveConfig } from '../../src/cli/config-options.ts';
import { measureSpeed, speedWords } from '../../src/cli/doctor-speed.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { slicedSpeeds, wholeRate } from '../../src/cli/model-slice.ts';
import { fastest, rolloutSpeeds, whyUnmeasured, type RolloutSpeed } from '../../src/cli/rollout-speed.ts';
import { writeRandomModel } from '../../src/pretrain/random/folder.ts';
import { TINY_SHAPE } from '../support/tiny-shape.ts';
import { parseConfig } from '../../src/config/load.ts';
import { writeTinyFolder } from '../support/tiny-folder.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'quorum-settings-'));
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe('resolveConfig', () => {
  it('takes a condition as it is written, by its option and by --set', async () => {
    const stopWhen = 'accuracy >= 90% and version > 2 || voteShare > .9';
    const { config } = await resolveConfig({ stopWhen }, cwd);
    expect(config.loop.stopWhen).toBe(stopWhen);
    expect((await resolveConfig({ set: [`loop.stopWhen=${stopWhen}`] }, cwd)).config.loop.stopWhen).toBe(stopWhen);
    expect(conditionOf(config)).toMatchObject([
      [{ metric: 'accuracy', operator: '>=', value: 0.9 }, { metric: 'version' }],
      [{ metric: 'voteShare', value: 0.9 }],
    ]);
  });

  it('turns named options into settings over the file, and lets --set win', async () => {
    writeFileSync(
      join(cwd, 'quorum.config.json'),
      '{"model": "theirs", "seed": 1, "loop": {"batchGroups": 8, "steps": 5}}',
    );
    const options = {
      config: 'quorum.config.json',
      model: 'mine',
      run: 'here',
      steps: 7,
      set: ['seed=3', 'loop.steps=9'],
      seed: 2,
    };
    const { config } = await resolveConfig(options, cwd);
    expect(config).toMatchObject({
      model: join(cwd, 'mine'),
      runFolder: join(cwd, 'here'),
      seed: 3,
      loop: { batchGroups: 8, steps: 9 },
    });
  });

  it('takes a JSONL file or the built-in data set', async () => {
    const { config } = await resolveConfig({ data: 'q.jsonl' }, cwd);
    expect(config.data).toMatchObject({ type: 'jsonl', trainFile: join(cwd, 'q.jsonl') });
    expect((await resolveConfig({ data: 'figures' }, cwd)).config.data.type).toBe('figures');
  });

  it('takes a Parquet file, a pattern, and a folder by what is in it', async () => {
    const data = async (path: string) => (await resolveConfig({ data: path }, cwd)).config.data;
    expect(await data('a.parquet')).toMatchObject({ type: 'parquet', trainFile: join(cwd, 'a.parquet') });
    expect(await data('data/train-*.parquet')).toMatchObject({
      type: 'parquet',
      trainFile: join(cwd, 'data/train-*.parquet'),
    });
    mkdirSync(join(cwd, 'set'));
    await expect(data('set')).rejects.toThrow(/set: holds no file of data/);
    writeFileSync(join(cwd, 'set', 'data.jsonl'), '');
    expect(await data('set')).toMatchObject({ type: 'jsonl', trainFile: join(cwd, 'set/data.jsonl') });
    writeFileSync(join(cwd, 'set', 'a.parquet'), '');
    expect(await data('set')).toMatchObject({ type: 'parquet', trainFile: join(cwd, 'set') });
  });

  it('falls back to the model of the package only where none is here or named', async () => {
    const model = async (options: Parameters<typeof resolveConfig>[0]): Promise<string> =>
      (await resolveConfig(options, cwd)).config.model;
    expect(await model({})).toBe(packagePath('models/ladder'));
    expect(await model({ data: 'figures' })).toBe(packagePath('models/mini'));
    expect(await model({ model: 'other' })).toBe(join(cwd, 'other'));
    mkdirSync(join(cwd, 'models/ladder'), { recursive: true });
    expect(await model({})).toBe(join(cwd, 'models/ladder'));
  });

  it('is the model that was made for the data set, with room for its responses', async () => {
    const { config } = await resolveConfig({ data: 'ladder' }, cwd);
    expect([config.model, config.sampling.maxNewTokens]).toEqual([packagePath('models/ladder'), 132]);
    mkdirSync(join(cwd, 'models/ladder'), { recursive: true });
    expect((await resolveConfig({ data: 'ladder' }, cwd)).config.model).toBe(join(cwd, 'models/ladder'));
    expect((await resolveConfig({ data: 'ladder', model: 'other' }, cwd)).config.model).toBe(join(cwd, 'other'));
    expect((await resolveConfig({ data: 'a.parquet' }, cwd)).config.model).toBe(packagePath('models/mini'));
    expect((await resolveConfig({ set: await ownDataSettings(['ladder']) }, cwd)).config.data.type).toBe('ladder');
    expect(await ownDataSettings(['ladder', 'figures'])).toEqual([]);
  });

  it('does not overrule the model of a configuration file that is found, which need not name one', async () => {
    writeFileSync(join(cwd, 'quorum.config.json'), '{"model": "./theirs"}');
    expect((await resolveConfig({}, cwd)).config.model).toBe(join(cwd, 'theirs'));
    writeFileSync(join(cwd, 'quorum.config.json'), '{"sampling": {"samples": 8}}');
    expect((await resolveConfig({}, cwd)).config.model).toBe(packagePath('models/ladder'));
  });
});

describe('how many threads a sampler should have', () => {
  const speeds = (...ratios: number[]): RolloutSpeed[] =>
    ratios.map((ratio, i) => ({ threads: 2 ** i, tokensPerSecond: 6_000 * ratio, ratio }));

  it('is the smallest number that no other clearly beats, and doctor reports it', () => {
    expect(
      [speeds(1, 0.9), speeds(1, 1.04, 1.05), speeds(1, 1.3, 1.2), speeds(1, 1.3, 1.9)].map(
        (each) => fastest(each).threads,
      ),
    ).toEqual([1, 1, 2, 4]);
    const measured = { speeds: speeds(1, 0.875), rolloutThreads: 1, rows: 160 };
    const words = '6,000 tokens/s with 1 thread, 5,250 tokens/s with 2 threads (0.88 times) (160 responses at once)';
    expect(speedWords(measured, parseConfig({}))).toContain(`${words}: workers.rolloutThreads 1 is right`);
    expect(speedWords(measured, parseConfig({ workers: { rolloutThreads: 2 } }))).toContain(
      `${words}: set workers.rolloutThreads=1 (now 2)`,
    );
  });

  it('is measured with the model itself, where that is small and there', async () => {
    await writeTinyFolder(cwd, 0);
    const config = parseConfig({ model: cwd, sampling: { maxNewTokens: 2_048 } });
    const measured = await rolloutSpeeds(config, {
      threads: [1, 2],
      questions: 2,
      rounds: 1,
      responses: { samples: 2, maxNewTokens: 4 },
    });
    expect(measured.map(({ threads, ratio }) => [threads, ratio > 0])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(measured[0]!.ratio).toBe(1);
    expect(whyUnmeasured(config, 1)).toBe('one processor');
    expect(whyUnmeasured(parseConfig({ model: cwd, workers: { engine: 'cuda' } }), 1)).toBeUndefined();
    const gone = await measureSpeed(parseConfig({ model: join(cwd, 'Qwen/Qwen2.5-VL-3B-Instruct') }));
    expect(speedWords(gone, config)).toMatch(
      /^not measured: model .* there is no such folder.* hf download Qwen\/Qwen2.5-VL-3B-Instruct/,
    );
  });

  it('is worked out from a few layers of a large model', async () => {
    await writeRandomModel({ folder: cwd, shape: { ...TINY_SHAPE, layers: 9 }, dtype: 'BF16', seed: 0 });
    const config = parseConfig({ model: cwd });
    const request = { threads: [1], questions: 1, rounds: 1, responses: { samples: 2, maxNewTokens: 4 } };
    const { speeds, ...slice } = await slicedSpeeds(config, request);
    expect(slice).toEqual({ layers: [1, 3], of: 9 });
    expect([speeds.length, speeds[0]!.ratio, speeds[0]!.tokensPerSecond > 0]).toEqual([1, 1, true]);
    expect(speedWords({ speeds, rolloutThreads: 1, rows: 2, slice }, config)).toContain(
      '2 responses at once; 1 and 3 of 9 layers were measured, and the others counted like them',
    );
  });

  it('counts each further layer like the measured ones', () => {
    // A token takes 10 ms and 2 ms a layer.
    expect(wholeRate([1 / 0.012, 1 / 0.016], [1, 3], 20)).toBeCloseTo(1 / 0.05, 9);
    expect(wholeRate([100, 110], [1, 3], 20)).toBe(100);
  });
});
