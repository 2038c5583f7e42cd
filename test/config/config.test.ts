import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { temporaryFolder } from '../support/temporary.ts';

function refusal(input: unknown): string[] {
  try {
    parseConfig(input, 'quorum.config.json');
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message.split('\n');
  }
  throw new Error('was not refused');
}

async function setRefusal(...set: string[]): Promise<string> {
  const error: unknown = await loadConfig({ cwd: temporaryFolder(), set }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

test('the default is the recipe that was measured', () => {
  const { sampling, loop, learner, filters, model, data } = parseConfig({});
  expect({ model, data: data.type }).toEqual({ model: './models/mini', data: 'figures' });
  expect(sampling).toEqual({ samples: 10, temperature: 1, topP: 1, topK: 0, maxNewTokens: 28 });
  expect(loop).toEqual({ batchGroups: 32, maxStaleness: 2, jobQuestions: 16, maxOversample: 4, steps: null, stopWhen: null, questions: null });
  expect(learner).toMatchObject({ learningRate: 5e-5, klCoefficient: 0.1, betas: [0.9, 0.99], clipRange: 0.2, dualClip: 3 });
  expect(filters).toEqual({ dropAllAgree: true, dropNoBox: true, shareFloor: 0.6 });
});

describe('errors name the key, its value and what is allowed', () => {
  test.each([
    [{ learner: { learningRate: 'fast' } }, 'learner.learningRate is "fast"; allowed: number > 0 and <= 1 (default 0.00005)'],
    [{ learner: { learningRate: -1 } }, 'learner.learningRate is -1; allowed: number > 0 and <= 1 (default 0.00005)'],
    [{ loop: { steps: 1.5 } }, 'loop.steps is 1.5; allowed: whole number > 0 or null (default null)'],
    [
      { workers: { engine: 'gpu' } },
      'workers.engine is "gpu"; allowed: "auto" | "cpu" | "webgpu" | "cuda" | "tensorflow" | "reference" (default "cpu")',
    ],
    [{ learner: { betas: [0.9] } }, 'learner.betas is [0.9]; allowed: list of 2 (number >= 0 and <= 1) (default [0.9,0.99])'],
    [{ learner: { betas: [0.9, 7] } }, 'learner.betas.1 is 7; allowed: list of 2 (number >= 0 and <= 1) (default [0.9,0.99])'],
    [{ promptTemplate: 'Think.' }, 'promptTemplate is "Think."; allowed: text with {question} (default "{question}")'],
    [{ data: { type: 'csv' } }, 'data.type is "csv"; allowed: "figures" | "jsonl" | "parquet" (default "figures")'],
    [{ data: { seed: 1 } }, 'data.type is missing; allowed: "figures" | "jsonl" | "parquet" (default "figures")'],
    [{ data: { type: 'jsonl' } }, 'data.trainFile is missing; allowed: text'],
    [{ learner: { schedule: { type: 'cosine' } } }, 'learner.schedule.totalSteps is missing; allowed: whole number > 0'],
    [{ sampling: null }, 'sampling is null; allowed: an object with samples, temperature, topP, topK, maxNewTokens'],
    [{ plugins: [3] }, 'plugins.0 is 3; allowed: list of package names, file paths, definePlugin(...) or {use, options} (default [])'],
    [
      { checkpoints: { evrySteps: 5 } },
      'checkpoints.evrySteps is not a known key; did you mean checkpoints.everySteps? allowed in checkpoints: everySteps, keepLast',
    ],
    [
      { data: { type: 'figures', trainFile: 'x' } },
      'data.trainFile is not a known key; it is for when data.type is jsonl; allowed in data of type figures: type, seed, trainQuestions, heldOutQuestions, rendering, kinds',
    ],
  ])('%j', (input, message) => {
    expect(refusal(input)).toEqual([`quorum.config.json: ${message}`]);
  });

  test('a key in the wrong place', () => {
    expect(refusal({ shareFloor: 0.5 })[0]).toContain(
      'shareFloor is not a known key; did you mean filters.shareFloor? allowed: model, runFolder, seed,',
    );
  });

  test('all of them at once', () => {
    expect(refusal({ seed: -1, log: { level: 'loud' }, foo: 1 })).toHaveLength(3);
  });

  test('not an object at all', () => {
    expect(refusal([])[0]).toContain('the configuration is []; allowed: an object with model, runFolder,');
  });
});

describe('files', () => {
  const texts: Record<string, string> = {
    'quorum.config.json': '{"seed": 7, "learner": {"learningRate": 3e-5}}',
    'quorum.config.yaml': 'seed: 7\nlearner:\n  learningRate: 3e-5 # as in the paper\n',
    'quorum.config.js': 'export default { seed: 7, learner: { learningRate: 3e-5 } };',
    'quorum.config.ts': `import { defineConfig } from 'quorum';\nconst rate: number = 3e-5;\nexport default defineConfig({ seed: 7, learner: { learningRate: rate } });`,
  };

  test.each(Object.entries(texts))('%s is found and read; its paths start at its folder', async (name, text) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, name), text);
    const { config, file, folder } = await loadConfig({ cwd });
    expect({ file, folder }).toEqual({ file: join(cwd, name), folder: cwd });
    expect(config).toMatchObject({ seed: 7, learner: { learningRate: 3e-5, minibatches: 2 }, model: join(cwd, 'models/mini') });
  });

  test('without one the defaults are used, from the current folder', async () => {
    const cwd = temporaryFolder();
    const { config, file } = await loadConfig({ cwd });
    expect(file).toBeUndefined();
    expect(config.runFolder).toBe(join(cwd, 'runs/default'));
  });

  test('one that is named, missing, doubled, of another kind or broken', async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'sub'));
    writeFileSync(join(cwd, 'sub', 'fast.yaml'), 'data: {type: jsonl, trainFile: train.jsonl}');
    expect((await loadConfig({ cwd, file: 'sub/fast.yaml' })).config.data).toMatchObject({ trainFile: join(cwd, 'sub', 'train.jsonl') });
    await expect(loadConfig({ cwd, file: 'nothing.json' })).rejects.toThrow(`the configuration file ${join(cwd, 'nothing.json')} does not exist`);
    writeFileSync(join(cwd, 'quorum.config.json'), '{"seed": 7,}');
    await expect(loadConfig({ cwd })).rejects.toThrow(`${join(cwd, 'quorum.config.json')} cannot be read: `);
    writeFileSync(join(cwd, 'quorum.config.yaml'), '');
    await expect(loadConfig({ cwd })).rejects.toThrow(`${cwd} has quorum.config.json and quorum.config.yaml: keep one of them`);
    writeFileSync(join(cwd, 'c.toml'), '');
    await expect(loadConfig({ cwd, file: 'c.toml' })).rejects.toThrow('ends in .toml; allowed: .ts,');
    writeFileSync(join(cwd, 'throws.ts'), 'throw new Error("not today"); export default {};');
    await expect(loadConfig({ cwd, file: 'throws.ts' })).rejects.toThrow('throws.ts cannot be read: not today');
  });
});

describe('--set', () => {
  async function config(set: string[], text = '{}') {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'quorum.config.json'), text);
    return (await loadConfig({ cwd, set })).config;
  }

  test('values are read as what their key takes', async () => {
    const { learner, loop, filters, log } = await config([
      'learner.learningRate=3e-5',
      'learner.betas=[0.8, 0.9]',
      'loop.steps=100',
      'loop.steps=null',
      'filters.dropNoBox=false',
      'log.level=debug',
      'learner.correction={type: truncated, cap: 5}',
    ]);
    expect(learner).toMatchObject({ learningRate: 3e-5, betas: [0.8, 0.9], correction: { type: 'truncated', cap: 5 } });
    expect([loop.steps, filters.dropNoBox, log.level]).toEqual([null, false, 'debug']);
  });

  test('it overrides the file, and text stays text', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'quorum.config.json'), '{"seed": 1, "runFolder": "a"}');
    const { config: loaded } = await loadConfig({ cwd, set: ['seed=2', 'runFolder=007'] });
    expect([loaded.seed, loaded.runFolder]).toEqual([2, join(cwd, '007')]);
  });

  test('another type drops the keys of the old one; a key of the default type needs no type', async () => {
    const file = '{"data": {"type": "figures", "trainQuestions": 5}}';
    const { data } = await config(['data.type=jsonl', 'data.trainFile=/t.jsonl'], file);
    expect(data).toEqual({ type: 'jsonl', trainFile: '/t.jsonl', heldOutShare: 0.1, columns: {} });
    expect((await config(['data.type=figures'], file)).data).toMatchObject({ trainQuestions: 5 });
    expect((await config(['data.seed=5'])).data).toMatchObject({ type: 'figures', seed: 5 });
  });

  test('errors', async () => {
    expect(await setRefusal('learner.learningRte=1')).toContain('--set learner.learningRte is not a known key; did you mean learner.learningRate?');
    expect(await setRefusal('__proto__.polluted=1')).toContain('--set __proto__.polluted is not a known key');
    expect(await setRefusal('seed')).toBe('--set seed: expected path=value, such as learner.learningRate=3e-5');
    expect(await setRefusal('seed=[1')).toContain('--set seed: "[1" cannot be read: ');
    expect(await setRefusal('seed=many')).toBe('--set: seed is "many"; allowed: whole number >= 0 and <= 4294967295 (default 0)');
  });
});

test('the table of keys has every key once a variant, each with words', () => {
  const keys = describeConfig();
  const names = keys.map(({ path, when }) => `${path} ${when}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, type, doc } of keys) expect([path, type.length > 3, doc.length > 10]).toEqual([path, true, true]);
  expect(keys.filter(({ required }) => required).map(({ path, when }) => `${path} when ${when}`)).toEqual([
    'data.trainFile when data.type is jsonl',
    'data.trainFile when data.type is parquet',
    'learner.schedule.totalSteps when learner.schedule.type is linear',
    'learner.schedule.totalSteps when learner.schedule.type is cosine',
  ]);
  const defaults = parseConfig({}) as unknown as Record<string, Record<string, unknown>>;
  for (const { path, default: value, when } of keys) {
    if (when !== undefined || value === undefined) continue;
    expect([path, path.split('.').reduce<unknown>((tree, key) => (tree as Record<string, unknown>)[key], defaults)]).toEqual([path, value]);
  }
});
