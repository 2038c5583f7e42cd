import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specsOf, uploadAll } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { readSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { loadAdapter, saveAdapter } from '../../../src/compute/models/adapter-folder.ts';
import type { StoredAdapter } from '../../../src/compute/models/adapter.ts';
import { makeAdapter, readAdapter, type AdapterSettings } from '../../../src/compute/models/adapters.ts';
import { loadArchitecture } from '../../../src/compute/models/folder.ts';
import { loadParams } from '../../../src/compute/models/weights.ts';
import { withAdapter } from '../../../src/compute/models/parameter-sets.ts';
import { forwardProgram, planForward } from '../../../src/compute/programs/forward.ts';
import { CROSS_ENTROPY } from '../../../src/compute/training/token-loss.ts';
import { Trainer } from '../../../src/compute/training/trainer.ts';
import { Random } from '../../../src/data/rng.ts';
import { packagePath } from '../../../src/lib/package-path.ts';
import { f32, sizeOf, type HostTensor, type TensorMap } from '../../../src/protocol/tensor.ts';
import { tinyModel, tinyPrompt, tinyWeights } from '../../support/tiny-model.ts';
import { run } from '../programs/engines.ts';
import { fixtureFolder, loadFixture, maxDifference } from '../programs/fixture.ts';

/** Of adapter/, as test/fixtures/qwen2_5_vl/save_adapter.ts makes it. */
const settings: AdapterSettings = {
  type: 'lora',
  rank: 2,
  alpha: 3,
  targets: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'],
};
const folder = fixtureFolder('adapter');

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'quorum-lora-'));
});
afterAll(() => rm(scratch, { recursive: true }));

const stream = (name: string) => {
  const random = new Random(1, name);
  return () => random.float();
};

/** All of an adapter's tensors away from zero. */
function drawn(specs: ReturnType<typeof specsOf>): TensorMap {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => {
      const random = new Random(2, name);
      return [
        name,
        f32(
          shape,
          Float32Array.from({ length: sizeOf(shape) }, () => 0.3 * random.normal()),
        ),
      ];
    }),
  );
}

describe('a LoRA adapter in the layout of PEFT', () => {
  it('gives the logits of PEFT, with the adapter separate and merged into the frozen weights', async () => {
    const { model, params, prompts, padding, mask, length } = await loadFixture('window');
    const { logits: expected } = await readSafetensors(join(folder, 'logits.safetensors'));
    const adapter = makeAdapter(model, settings);
    const weights = await loadAdapter(folder, model, adapter);
    const plan = planForward(model, prompts, { length, padding });
    const worst = async (of: typeof model, fed: TensorMap): Promise<number> => {
      const { logits } = await run('cpu', forwardProgram(of, plan.shape), { ...fed, ...plan.feeds });
      return maxDifference(logits!.data, expected!.data, model.dimensions.vocabSize, (row) => mask[row] === 1);
    };
    const sets = { ...params, ...adapter.constants, ...weights };
    expect(await worst(withAdapter(model, adapter), sets)).toBeLessThan(1e-4);
    // The folder of an adapter is read as the whole model, as transformers does; PEFT writes more fields than Quorum.
    for (const from of [folder, join(folder, 'peft')])
      expect(await worst(model, await loadParams(from, await loadArchitecture(from)))).toBeLessThan(1e-4);
    expect(await worst(model, params)).toBeGreaterThan(0.1);
  });

  it('begins as PEFT does, with A uniform in +- 1 / sqrt(in) and B zero, where the model computes bit for bit what the base computes', async () => {
    const { model, params, prompts, padding, length, expected } = await loadFixture('window');
    const adapter = makeAdapter(model, { ...settings, rank: 8 });
    const weights = adapter.initial(stream);
    expect(specsOf(weights)).toEqual(adapter.trainable);
    expect(adapter.initial(stream)).toEqual(weights);
    for (const [name, { data, shape }] of Object.entries(weights)) {
      const largest = Math.max(...Array.from(data, Math.abs));
      if (name.endsWith('lora_B.weight')) expect(largest).toBe(0);
      else expect(largest * Math.sqrt(shape[1]!)).toSatisfy((bound: number) => bound > 0.9 && bound <= 1);
    }
    const plan = planForward(model, prompts, { length, padding });
    const sets = { ...params, ...adapter.constants, ...weights };
    const base = await run('cpu', forwardProgram(model, plan.shape), { ...params, ...plan.feeds });
    const adapted = await run('cpu', forwardProgram(withAdapter(model, adapter), plan.shape), {
      ...sets,
      ...plan.feeds,
    });
    expect(adapted['logits']!.data).toEqual(base['logits']!.data);
    expect(expected.logits.shape).toEqual(adapted['logits']!.shape);
  });

  it('is written as it was read, and refused where the settings are not its own', async () => {
    const model = await loadArchitecture(folder);
    const adapter = makeAdapter(model, settings);
    const weights = await loadAdapter(folder, model, adapter);
    const again = join(scratch, 'again');
    await cp(folder, again, { recursive: true });
    await saveAdapter(again, model, adapter, weights, 'elsewhere');
    for (const name of ['adapter_model.safetensors'])
      expect(await readFile(join(again, name))).toEqual(await readFile(join(folder, name)));
    expect(Object.keys(await readSafetensors(join(again, 'adapter_model.safetensors')))).toContain(
      'base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight',
    );
    const load = (changes: object) => loadAdapter(again, model, makeAdapter(model, { ...settings, ...changes }));
    await expect(load({ rank: 4 })).rejects.toThrow(
      'adapter_config.json: r is 2, but `learner.adapter` asks for 4: set `learner.adapter` back',
    );
    await expect(load({ alpha: 4 })).rejects.toThrow('lora_alpha is 3, but `learner.adapter` asks for 4');
    await expect(load({ targets: ['q_proj'] })).rejects.toThrow('target_modules is [');
    await expect(loadAdapter(fixtureFolder('window'), model, adapter)).rejects.toThrow(
      'holds a whole model, but `learner.adapter` asks for an adapter',
    );
    expect(() => makeAdapter(model, { ...settings, targets: ['q_proj', 'query'] })).toThrow(
      '`learner.adapter.targets` names "query", which is not a linear layer of this model\'s decoder: use q_proj, k_proj, v_proj, o_proj, gate_proj',
    );
    await expect(loadArchitecture(again)).rejects.toThrow(
      'holds an adapter to "elsewhere" (adapter_config.json), which Quorum does not apply, as its base is no folder here',
    );
    await writeFile(
      join(again, 'adapter_config.json'),
      JSON.stringify({ ...adapter.peft, base_model_name_or_path: again }),
    );
    await expect(loadArchitecture(again)).rejects.toThrow('as it is its own base');
  });

  it('of another base is refused with both folders and what to name', async () => {
    const [mini, other] = [packagePath('models/mini'), join(scratch, 'of another base')];
    await cp(folder, other, { recursive: true });
    const config = JSON.parse(await readFile(join(other, 'adapter_config.json'), 'utf8')) as object;
    await writeFile(join(other, 'adapter_config.json'), JSON.stringify({ ...config, base_model_name_or_path: mini }));
    const refused = [
      `${other}: does not fit the base ${mini}: the adapter's tensors`,
      'name the base that it was trained on in base_model_name_or_path of adapter_config.json',
    ];
    const model = await loadArchitecture(other);
    for (const said of refused) await expect(loadParams(other, model)).rejects.toThrow(said);
  });

  it.each([
    [{ use_dora: true }, 'its use_dora is true'],
    [{ bias: 'all' }, 'its bias is "all"'],
    [{ modules_to_save: ['lm_head'] }, 'its modules_to_save is ["lm_head"]'],
    [{ rank_pattern: { q_proj: 4 } }, 'its rank_pattern is {"q_proj":4}'],
    [{ r: 0 }, 'it has no usable r'],
    [{ peft_type: 'IA3' }, 'its peft_type is "IA3"'],
  ])('is not applied with %j', (changes, why) => {
    expect(readAdapter({ ...makeAdapter(tinyModel, settings).peft, ...changes })).toBe(why);
  });

  it('scales by alpha / rank, by alpha / sqrt(rank) where PEFT does, and refuses tensors that do not fit', () => {
    const { peft } = makeAdapter(tinyModel, { ...settings, rank: 4, alpha: 2 });
    const merge = (changes: object, b: HostTensor = f32([1, 4], [1, 2, 3, 4])) =>
      (readAdapter({ ...peft, ...changes }) as StoredAdapter).merged(
        { 'x.weight': f32([1, 2], [10, 20]) },
        { 'x.lora_A.weight': f32([4, 2], [1, 0, 0, 1, 1, 1, 2, 0]), 'x.lora_B.weight': b },
      )['x.weight']!.data;
    expect([...merge({})]).toEqual([10 + 0.5 * 12, 20 + 0.5 * 5]);
    expect([...merge({ use_rslora: true })]).toEqual([10 + 12, 20 + 5]);
    expect(() => merge({}, f32([2, 4]))).toThrow('do not fit a weight of shape [1, 2]');
    expect(() => merge({ r: 8 })).toThrow('"x.lora_A.weight" has rank 4, and adapter_config.json says r 8');
  });
});

it('training an adapter follows the gradient of the merged weight: dB = s dW A^T, dA = s B^T dW', async () => {
  const engine = await createEngine('cpu', { threads: 1 });
  const adapter = makeAdapter(tinyModel, { ...settings, targets: ['k_proj', 'up_proj'] });
  const [base, weights, scale] = [tinyWeights(1), drawn(adapter.trainable), 3 / 2];
  const whole = (readAdapter(adapter.peft) as StoredAdapter).merged(base, weights);
  const options = {
    engine,
    model: tinyModel,
    optimizer: { beta1: 0, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1e9 },
  };
  const frozen = await uploadAll(engine, { ...base, ...adapter.constants });
  const gradients = async (trainer: Trainer): Promise<TensorMap> => {
    const responses = [{ tokens: [3, 4, 5] }, { tokens: [6, 7] }];
    await trainer.step([{ prompt: tinyPrompt(1, 4, true), responses }], { loss: CROSS_ENTROPY, learningRate: 1e-3 });
    return (await trainer.state()).moments.first; // with beta1 = 0 the gradient
  };
  const full = await gradients(await Trainer.create(options, { weights: whole }));
  const own = await gradients(await Trainer.create({ ...options, frozen }, { weights }));
  expect(specsOf(own)).toEqual(adapter.trainable);
  for (const layer of ['model.layers.0.self_attn.k_proj', 'model.layers.1.mlp.up_proj']) {
    const [w, a, b] = [
      full[`${layer}.weight`]!,
      weights[`${layer}.lora_A.weight`]!,
      weights[`${layer}.lora_B.weight`]!,
    ];
    const [[out, input], rank] = [w.shape as [number, number], a.shape[0]!];
    const sum = (count: number, term: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => term(i)).reduce((x, y) => x + y, 0);
    const dB = Array.from({ length: out * rank }, (_, i) => {
      const [o, k] = [Math.floor(i / rank), i % rank];
      return scale * sum(input, (j) => w.data[o * input + j]! * a.data[k * input + j]!);
    });
    const dA = Array.from({ length: rank * input }, (_, i) => {
      const [k, j] = [Math.floor(i / input), i % input];
      return scale * sum(out, (o) => b.data[o * rank + k]! * w.data[o * input + j]!);
    });
    expect(Math.max(...dB.map(Math.abs))).toBeGreaterThan(1e-4);
    expect(maxDifference(own[`${layer}.lora_B.weight`]!.data, dB, rank)).toBeLessThan(1e-5);
    expect(maxDifference(own[`${layer}.lora_A.weight`]!.data, dA, input)).toBeLessThan(1e-5);
  }
});

it.each([{}, { recompute: true }])(
  "has the gradients that PyTorch gives PEFT's adapter (adapter_gradients.py), with %j",
  async (saving) => {
    const { model, params, prompts } = await loadFixture('window');
    const { loss, ...expected } = await readSafetensors(join(folder, 'gradients.safetensors'));
    const engine = await createEngine('cpu', { threads: 1 });
    const adapter = makeAdapter(model, settings);
    const trainer = await Trainer.create(
      {
        engine,
        model,
        frozen: await uploadAll(engine, { ...params, ...adapter.constants }),
        optimizer: { beta1: 0, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1e9 },
        saving,
      },
      { weights: await loadAdapter(folder, model, adapter) },
    );
    const responses = [{ tokens: [5, 6, 7] }, { tokens: [3, 80, 3, 20, 21, 22] }];
    const outcome = await trainer.step([{ prompt: prompts[0]!, responses }], { loss: CROSS_ENTROPY, learningRate: 0 });
    const gradients = (await trainer.state()).moments.first; // with beta1 = 0 the gradient
    expect(outcome.loss).toBeCloseTo(loss!.data[0]!, 5);
    expect(Object.keys(expected)).toHaveLength(Object.keys(gradients).length);
    for (const [name, { data }] of Object.entries(expected)) {
      const own = gradients[name.replace('base_model.model.model.language_model.', 'model.')]!;
      expect(maxDifference(own.data, data, data.length)).toBeLessThan(1e-5);
    }
    trainer.release();
    await engine[Symbol.asyncDispose]();
  },
);

it('adapts the vision tower too if asked, and its folder restores every tensor', async () => {
  const { model, params, prompts, length, padding } = await loadFixture('window');
  const adapter = makeAdapter(model, { ...settings, vision: true });
  const ofTower = Object.keys(adapter.trainable).filter((name) => name.startsWith('visual.'));
  expect(ofTower).toContain('visual.blocks.0.attn.qkv.lora_A.weight');
  expect(ofTower).toContain('visual.merger.mlp.2.lora_B.weight');
  const trained = drawn(adapter.trainable);
  const out = join(scratch, 'tower');
  await mkdir(out);
  await saveAdapter(out, model, adapter, trained, 'base');
  const read = await loadAdapter(out, model, adapter);
  expect(read).toEqual(trained);

  const plan = planForward(model, prompts, { length, padding });
  const adapted = withAdapter(model, adapter);
  const beside = await run('cpu', forwardProgram(adapted, plan.shape), {
    ...params,
    ...adapter.constants,
    ...read,
    ...plan.feeds,
  });
  const { merged } = readAdapter(adapter.peft) as StoredAdapter;
  const worked = await run('cpu', forwardProgram(model, plan.shape), { ...merged(params, read), ...plan.feeds });
  expect(maxDifference(beside['logits']!.data, worked['logits']!.data, 1)).toBeLessThan(1e-3);
});
