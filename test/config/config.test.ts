import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig, parseConfig, type LoadOptions } from '../../src/config/load.ts';
import { choosePreset, presetWords } from '../../src/config/preset.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { compareSettings } from '../../src/daemon/changed-settings.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeTinyFolder } from '../support/tiny-folder.ts';

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
  expect(loop).toEqual({
    batchGroups: 32,
    maxStaleness: 2,
    jobQuestions: 16,
    maxOversample: 4,
    steps: null,
    stopWhen: null,
    questions: null,
  });
  expect(learner).toMatchObject({
    learningRate: 5e-5,
    klCoefficient: 0.1,
    betas: [0.9, 0.99],
    clipRange: 0.2,
    dualClip: 3,
  });
  expect([learner.schedule, learner.warmupSteps]).toEqual([{ type: 'constant' }, 0]);
  expect(filters).toEqual({ dropAllAgree: true, dropNoBox: true, shareFloor: 0.6 });
});

describe('errors name the key, its value and what is allowed', () => {
  test.each([
    [
      { learner: { learningRate: 'fast' } },
      'learner.learningRate is "fast"; allowed: number > 0 and <= 1 (default 0.00005)',
    ],
    [{ learner: { learningRate: -1 } }, 'learner.learningRate is -1; allowed: number > 0 and <= 1 (default 0.00005)'],
    [{ loop: { steps: 1.5 } }, 'loop.steps is 1.5; allowed: whole number > 0 or null (default null)'],
    [
      { workers: { engine: 'gpu' } },
      'workers.engine is "gpu"; allowed: "auto" | "cpu" | "webgpu" | "cuda" | "tensorflow" | "reference" | "tinker" or text with ^cuda:[0-9]+$ (default "cpu")',
    ],
    [
      { workers: { compute: 'fp16' } },
      'workers.compute is "fp16"; allowed: "auto" | "bf16" | "f16" | "f32" (default "auto")',
    ],
    [
      { learner: { betas: [0.9] } },
      'learner.betas is [0.9]; allowed: list of 2 (number >= 0 and < 1) (default [0.9,0.99])',
    ],
    [
      { learner: { betas: [0.9, 7] } },
      'learner.betas.1 is 7; allowed: list of 2 (number >= 0 and < 1) (default [0.9,0.99])',
    ],
    [
      { learner: { betas: [0.9, 1] } },
      'learner.betas.1 is 1; allowed: list of 2 (number >= 0 and < 1) (default [0.9,0.99])',
    ],
    [
      { sampling: { temperature: Number.NaN } },
      'sampling.temperature is NaN; allowed: number >= 0.01 and <= 10 (default 1)',
    ],
    [{ model: '' }, 'model is empty; allowed: text (default "./models/mini")'],
    [
      { dashboard: { viewToken: 'short' } },
      'dashboard.viewToken has 5 characters; allowed: text of 16 to 256 characters',
    ],
    [
      { dashboard: 'secret' },
      expect.stringMatching(
        /^quorum.config.json: dashboard has 6 characters; allowed: an object with port, host, viewToken,/,
      ),
    ],
    [{ promptTemplate: 'Think.' }, 'promptTemplate is "Think."; allowed: text with {question} (default "{question}")'],
    [
      { data: { type: 'csv' } },
      'data.type is "csv"; allowed: "figures" | "ladder" | "files" | "jsonl" | "parquet" (default "figures")',
    ],
    [
      { data: { seed: 1 } },
      'data.type is missing; allowed: "figures" | "ladder" | "files" | "jsonl" | "parquet" (default "figures")',
    ],
    [{ data: { type: 'jsonl' } }, 'data.trainFile is missing; allowed: text or list of text'],
    [
      { learner: { schedule: { type: 'cosine' } } },
      'learner.schedule.totalSteps is missing; allowed: whole number > 0',
    ],
    [{ sampling: null }, 'sampling is null; allowed: an object with samples, temperature, topP, topK, maxNewTokens'],
    [
      { plugins: [3] },
      'plugins.0 is 3; allowed: list of package names, file paths, definePlugin(...) or {use, options, thread, labels} (default [])',
    ],
    [
      { plugins: [{ use: 'x', thread: 'yes' }] },
      'plugins.0.thread is "yes"; allowed: true | false | {heapMegabytes: whole number >= 16}',
    ],
    [{ plugins: [{ use: 3 }] }, 'plugins.0.use is 3; allowed: a package name, a file path or definePlugin(...)'],
    [
      { checkpoints: { evrySteps: 5 } },
      'checkpoints.evrySteps is not a known key; did you mean checkpoints.everySteps? allowed in checkpoints: everySteps, keepLast',
    ],
    [
      { data: { type: 'figures', trainFile: 'x' } },
      'data.trainFile is not a known key; it is for when data.type is files, jsonl or parquet; allowed in data of type figures: type, seed, trainQuestions, heldOutQuestions, rendering, kinds',
    ],
  ])('%j', (input, message) => {
    expect(refusal(input)).toEqual([typeof message === 'string' ? `quorum.config.json: ${message}` : message]);
  });

  test('a key in the wrong place', () => {
    expect(refusal({ shareFloor: 0.5 })[0]).toContain(
      'shareFloor is not a known key; did you mean filters.shareFloor? allowed: model, runFolder, seed,',
    );
  });

  test('all of them at once', () => {
    expect(refusal({ seed: -1, log: { level: 'loud' }, foo: 1 })).toHaveLength(3);
  });

  test('what JSON has no words for', () => {
    const circle: Record<string, unknown> = {};
    circle['schedule'] = circle;
    expect(
      refusal({ seed: 5n, log: { level: () => 'debug' }, learner: circle, sampling: [Number.NaN] }).map(
        (line) => line.split(';')[0],
      ),
    ).toEqual([
      'quorum.config.json: seed is 5n',
      'quorum.config.json: sampling is [ NaN ]',
      'quorum.config.json: learner.schedule.type is missing',
      'quorum.config.json: log.level is [Function: level]',
    ]);
  });

  test.each([
    [{ temperatur: 1 }, 'did you mean sampling.temperature or synthesis.temperature? allowed: model,'],
    [{ evaluations: { everySteps: 5 } }, 'did you mean evaluation? allowed: model,'],
    [{ learner: { learning_rate: 1 } }, 'did you mean learner.learningRate? allowed in learner: objective,'],
    [{ 'learning-rate': 1 }, 'did you mean learner.learningRate? allowed: model,'],
    [{ nosuch: {} }, 'allowed: model, runFolder,'],
    [{ plugins: [{ use: 'x', optoins: {} }] }, 'plugins itself is list of package names,'],
  ])('the error for an unknown key names similar or known keys: %j', (input, hint) => {
    expect(refusal(input)[0]).toContain(` is not a known key; ${hint}`);
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
    expect(config).toMatchObject({
      seed: 7,
      learner: { learningRate: 3e-5, minibatches: 2 },
      model: join(cwd, 'models/ladder'),
    });
  });

  test('without one the defaults are used, from the current folder', async () => {
    const cwd = temporaryFolder();
    const { config, file } = await loadConfig({ cwd });
    expect(file).toBeUndefined();
    expect(config.runFolder).toBe(join(cwd, 'runs/default'));
  });

  test('a file that is named, missing, doubled, of another kind or broken', async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'sub'));
    writeFileSync(join(cwd, 'sub', 'fast.yaml'), 'data: {type: jsonl, trainFile: train.jsonl}');
    expect((await loadConfig({ cwd, file: 'sub/fast.yaml' })).config.data).toMatchObject({
      trainFile: join(cwd, 'sub', 'train.jsonl'),
    });
    await expect(loadConfig({ cwd, file: 'nothing.json' })).rejects.toThrow(
      `the configuration file ${join(cwd, 'nothing.json')} does not exist`,
    );
    writeFileSync(join(cwd, 'quorum.config.json'), '{"seed": 7,}');
    await expect(loadConfig({ cwd })).rejects.toThrow(`${join(cwd, 'quorum.config.json')} cannot be read: `);
    writeFileSync(join(cwd, 'quorum.config.yaml'), '');
    await expect(loadConfig({ cwd })).rejects.toThrow(
      `${cwd} has quorum.config.json and quorum.config.yaml: keep one of them`,
    );
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

  test('a key that takes a word or something else takes both', async () => {
    const of = async (...set: string[]) => {
      const { learner, workers } = await config(set);
      return [learner.passTokens, workers.learner, workers.rollout];
    };
    expect(await of('learner.passTokens=2048', 'workers.learner=[cpu, cpu]', 'workers.rollout=["cuda:1"]')).toEqual([
      2_048,
      ['cpu', 'cpu'],
      ['cuda:1'],
    ]);
    expect(await of('learner.passTokens=auto', 'workers.learner=auto')).toEqual(['auto', 'auto', 'auto']);
  });

  test('another type drops the keys of the old one; a key of the default type needs no type', async () => {
    const file = '{"data": {"type": "figures", "trainQuestions": 5}}';
    const { data } = await config(['data.type=jsonl', 'data.trainFile=/t.jsonl'], file);
    expect(data).toEqual({ type: 'jsonl', trainFile: '/t.jsonl', heldOutShare: 0.1, columns: {} });
    expect((await config(['data.type=figures'], file)).data).toMatchObject({ trainQuestions: 5 });
    expect((await config(['data.seed=5'])).data).toMatchObject({ type: 'ladder', families: ['digits'], seed: 5 });
    expect((await config(['data.seed=5'], '{"model": "m"}')).data).toMatchObject({ type: 'figures', seed: 5 });
  });

  test('a number of steps for the schedule makes the schedule finite', async () => {
    const schedule = async (...set: string[]) => (await config(set)).learner.schedule;
    expect(await schedule('learner.schedule.totalSteps=200')).toEqual({
      type: 'cosine',
      totalSteps: 200,
      floorShare: 0.1,
    });
    expect(await schedule('learner.schedule.type=linear', 'learner.schedule.totalSteps=9')).toEqual({
      type: 'linear',
      totalSteps: 9,
      floorShare: 0,
    });
    expect(await schedule('learner.schedule.type=constant')).toEqual({ type: 'constant' });
    expect(await schedule('loop.steps=60')).toEqual({ type: 'constant' });
  });

  test('errors', async () => {
    expect(await setRefusal('learner.learningRte=1')).toContain(
      '--set learner.learningRte is not a known key; did you mean learner.learningRate?',
    );
    expect(await setRefusal('__proto__.polluted=1')).toContain('--set __proto__.polluted is not a known key');
    expect(await setRefusal('seed')).toBe('--set seed: expected path=value, such as learner.learningRate=3e-5');
    expect(await setRefusal('seed=[1')).toContain('--set seed: "[1" cannot be read: ');
    expect(await setRefusal('seed=many')).toBe(
      '--set: seed is "many"; allowed: whole number >= 0 and <= 4294967295 (default 0)',
    );
  });
});

test('the table of keys has every key once a variant, each with words', () => {
  const keys = describeConfig();
  const names = keys.map(({ path, when }) => `${path} ${when}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, type, doc } of keys) expect([path, type.length > 3, doc.length > 10]).toEqual([path, true, true]);
  expect(keys.filter(({ required }) => required).map(({ path, when }) => `${path} when ${when}`)).toEqual([
    'data.trainFile when data.type is files, jsonl or parquet',
    'learner.objective.path when learner.objective.type is module',
    'learner.schedule.totalSteps when learner.schedule.type is linear',
    'learner.schedule.totalSteps when learner.schedule.type is cosine',
  ]);
  const defaults = parseConfig({}) as unknown as Record<string, Record<string, unknown>>;
  for (const { path, default: value, when } of keys) {
    if (when !== undefined || value === undefined) continue;
    expect([
      path,
      path.split('.').reduce<unknown>((tree, key) => (tree as Record<string, unknown>)[key], defaults),
    ]).toEqual([path, value]);
  }
});

describe('presets', () => {
  const PAPER = String.raw`{question} Please reason step by step, and put your final answer within \boxed{}.`;

  /** A model of one layer; `fields` are put over its config.json. */
  async function modelFolder(fields: object): Promise<string> {
    const folder = join(temporaryFolder(), 'model');
    await writeTinyFolder(folder, 0);
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...fields }));
    return folder;
  }

  const load = (model: string, options: LoadOptions = {}) =>
    loadConfig({ cwd: temporaryFolder(), ...options, set: [`model=${model}`, ...(options.set ?? [])] });

  test('a model with a long context gets the prompt and the settings of the paper, one with a short context those of the mini', async () => {
    const { config, preset } = await load(await modelFolder({ max_position_embeddings: 32_768 }));
    expect([preset.name, preset.why, config.preset]).toEqual([
      'vlm',
      "the model's context of 32768 tokens is at least 4096",
      'vlm',
    ]);
    expect(config.promptTemplate).toBe(PAPER);
    expect(config.sampling).toEqual({ samples: 10, temperature: 0.7, topP: 1, topK: 0, maxNewTokens: 2_048 });
    expect(config.learner).toMatchObject({
      learningRate: 1e-6,
      klCoefficient: 0.01,
      weightDecay: 0.01,
      schedule: { type: 'constant' },
    });
    expect(presetWords(preset, config)).toBe(
      `preset vlm (${preset.why}): prompt "${PAPER}", up to 2048 tokens at temperature 0.7, 128 questions a step, learning rate 0.000001 (constant), KL 0.01`,
    );
    const short = await load(await modelFolder({ max_position_embeddings: 4_095 }));
    expect(short.config).toEqual({
      ...parseConfig({}),
      model: short.config.model,
      runFolder: short.config.runFolder,
      preset: 'mini',
    });
    expect(short.preset.why).toBe("the model's context of 4095 tokens is under 4096, its vocabulary of 96 under 10000");
    const fluent = await load(await modelFolder({ max_position_embeddings: 2_048, vocab_size: 151_936 }));
    expect([fluent.preset.why, fluent.config.sampling.maxNewTokens]).toEqual([
      "the model's vocabulary of 151936 tokens is at least 10000",
      1_024,
    ]);
    expect((await load(join(temporaryFolder(), 'nowhere'))).preset.name).toBe('mini');
  });

  test('a small model on the ladder gets checked votes and a curriculum, unless they are set otherwise', async () => {
    const { config, preset } = await loadConfig({
      cwd: temporaryFolder(),
      orPackaged: true,
      set: ['data.type=ladder'],
    });
    expect([preset.name, config.checks, config.curriculum.mode, config.learner.klCoefficient]).toEqual([
      'ladder',
      ['equations', 'whole', 'premises'],
      'on',
      0,
    ]);
    expect(presetWords(preset, config)).toMatch(/KL 0, votes checked by equations, whole, premises, a curriculum$/);
    const plain = await loadConfig({
      cwd: temporaryFolder(),
      orPackaged: true,
      set: ['data.type=ladder', 'checks=[]', 'preset=ladder'],
    });
    expect(plain.config.checks).toEqual([]);
    const own = await loadConfig({
      cwd: temporaryFolder(),
      orPackaged: true,
      set: ['data.type=ladder', 'preset=mini'],
    });
    expect([own.config.checks, own.config.curriculum.mode]).toEqual([[], 'off']);
  });

  test('without data: the digits of the ladder, figures for a named model, and what a run began with for the run and its models', async () => {
    const run = join(temporaryFolder(), 'run');
    const load = async (options: LoadOptions, ...set: string[]) =>
      (await loadConfig({ cwd: temporaryFolder(), orPackaged: true, ...options, set: [`runFolder=${run}`, ...set] }))
        .config;
    const fresh = await load({ continues: true });
    expect([fresh.data, basename(fresh.model), fresh.preset]).toEqual([
      expect.objectContaining({ type: 'ladder', families: ['digits'], heldOutQuestions: 300 }),
      'ladder',
      'ladder',
    ]);
    expect((await load({}, 'model=models/mini')).data.type).toBe('figures');
    expect((await load({}, 'data={heldOutQuestions: 60}')).data).toEqual({ ...fresh.data, heldOutQuestions: 60 });
    const begin = (data: ConfigInput['data']) =>
      writeFileSync(join(run, 'config.json'), JSON.stringify({ ...parseConfig({ data }), preset: 'mini' }));
    const saved = join(run, 'checkpoints', 'v000001');
    mkdirSync(saved, { recursive: true });
    symlinkSync(saved, join(run, 'model'), 'dir');
    begin({ type: 'figures', kinds: ['clock'] });
    const again = await load({ continues: true }, 'data.seed=3');
    expect([again.data, basename(again.model)]).toEqual([
      expect.objectContaining({ type: 'figures', kinds: ['clock'], seed: 3 }),
      'mini',
    ]);
    expect((await load({ continues: true }, 'data.type=ladder')).data).toMatchObject({ type: 'ladder', seed: 0 });
    expect((await load({})).data.type).toBe('ladder');
    expect((await load({}, `model=${join(run, 'model')}`)).data).toMatchObject({ type: 'figures', kinds: ['clock'] });
    begin({ type: 'jsonl', trainFile: 'mine.jsonl' });
    expect((await load({ continues: true })).data.type).toBe('ladder');
    writeFileSync(join(run, 'config.json'), '{"data": {"type": "figures", "kinds": ["blob"]}}');
    expect((await load({ continues: true })).data.type).toBe('ladder');
  });

  test('what is set wins over the preset, and `preset` over the model', async () => {
    const long = await modelFolder({ max_position_embeddings: 32_768 });
    const { config } = await load(long, {
      set: ['sampling.temperature=0.9', 'learner.schedule={type: linear, totalSteps: 5}', 'promptTemplate={question}!'],
    });
    expect(config).toMatchObject({
      promptTemplate: '{question}!',
      sampling: { temperature: 0.9, maxNewTokens: 2_048 },
    });
    expect(config.learner).toMatchObject({ learningRate: 1e-6, schedule: { type: 'linear', totalSteps: 5 } });
    expect((await load(long, { set: ['preset=mini'] })).config.sampling.maxNewTokens).toBe(28);
    const small = await load(await modelFolder({ max_position_embeddings: 1_000 }), { set: ['preset=vlm'] });
    expect([small.preset.why, small.config.sampling.maxNewTokens]).toEqual(['`preset` names it', 500]);
  });

  test('a mini model itself says how long its responses are', async () => {
    const model = await modelFolder({});
    const lengthWith = async (text: string): Promise<number> => {
      writeFileSync(join(model, 'generation_config.json'), text);
      return (await load(model)).config.sampling.maxNewTokens;
    };
    expect(await lengthWith('{"max_new_tokens": 132}')).toBe(132);
    expect((await load(model, { set: ['sampling.maxNewTokens=40'] })).config.sampling.maxNewTokens).toBe(40);
    for (const text of ['{}', '{"max_new_tokens": 0}', '{"max_new_tokens": "many"}', 'null', 'no JSON'])
      expect([text, await lengthWith(text)]).toEqual([text, 28]);
  });

  test('the size and the chat template of the model have a part in it', async () => {
    const vision_config = { out_hidden_size: 2_048 };
    const size = {
      hidden_size: 2_048,
      num_hidden_layers: 36,
      num_attention_heads: 16,
      num_key_value_heads: 2,
      rope_scaling: { type: 'mrope' },
    };
    const like3B = await modelFolder({ max_position_embeddings: 128_000, ...size, vision_config });
    expect((await load(like3B)).config.loop.jobQuestions).toBe(2);
    const asking = await modelFolder({ max_position_embeddings: 32_768 });
    expect((await load(asking)).config.loop.jobQuestions).toBe(16);
    writeFileSync(join(asking, 'chat_template.jinja'), String.raw`Answer in \boxed{}. {{ messages }}`);
    expect((await load(asking)).config.promptTemplate).toBe('{question}');
  });

  test('a prompt by name sets the template and the system turn, where they are not given', async () => {
    const model = await modelFolder({});
    const prompt = async (...set: string[]) => {
      const { promptTemplate, prompt: own } = (await load(model, { set })).config;
      return [promptTemplate, own.system];
    };
    const system = 'You are a helpful assistant.';
    expect(await prompt()).toEqual(['{question}', null]);
    expect(await prompt('prompt.preset=mm-upt')).toEqual([PAPER, system]);
    expect(await prompt('prompt.preset=mm-upt', 'promptTemplate={question}!')).toEqual(['{question}!', system]);
    expect(await prompt('prompt.preset=mm-upt', 'prompt.system=Be brief.')).toEqual([PAPER, 'Be brief.']);
    expect(await prompt('prompt.preset=mm-upt', 'prompt.system=null')).toEqual([PAPER, null]);
    expect(await prompt('prompt.preset=easyr1')).toEqual([
      expect.stringMatching(/^\{question\} You FIRST .*boxed/),
      null,
    ]);
    await expect(prompt('prompt.preset=paper')).rejects.toThrow(/prompt\.preset is "paper"; allowed: .*mm-upt/);
  });

  test('a run keeps the preset that it started with, and a run from before presets its old defaults', async () => {
    const model = await modelFolder({ max_position_embeddings: 32_768 });
    const runFolder = temporaryFolder();
    const begun = (kept: object) => writeFileSync(join(runFolder, 'config.json'), JSON.stringify(kept));
    const next = (continues: boolean, ...set: string[]) =>
      load(model, { continues, set: [`runFolder=${runFolder}`, ...set] });
    const { preset: _, ...old } = parseConfig({
      learner: { schedule: { type: 'cosine', totalSteps: 60, floorShare: 0.1 } },
    });
    expect((await next(true)).preset.name).toBe('vlm');
    begun(old);
    const { config, preset } = await next(true);
    expect([preset.name, config.promptTemplate, config.sampling.maxNewTokens]).toEqual(['legacy', '{question}', 28]);
    expect(compareSettings(old, config)).toEqual([]);
    begun(config);
    expect((await next(true)).config.learner.schedule).toEqual({ type: 'cosine', totalSteps: 60, floorShare: 0.1 });
    expect((await next(false)).preset.name).toBe('vlm');
    const anew = await next(true, 'preset=auto');
    expect(anew.preset.name).toBe('vlm');
    expect(compareSettings(config, anew.config).map(({ path }) => path)).toContain('learner.learningRate');
    begun(anew.config);
    writeFileSync(join(model, 'config.json'), '{}'); // whatever becomes of the folder
    expect((await next(true)).preset.name).toBe('vlm');
    expect(choosePreset({ folder: model }).why).toBe(`no config.json of a model can be read in ${model}`);
  });
});
