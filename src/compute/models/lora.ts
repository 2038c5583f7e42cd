/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): an adapted linear layer computes y = x W^T + b + s (x A^T) B^T with s =
 * alpha / rank, A [rank, in] and B [out, rank]. W and b are frozen. Tensors are named as PEFT names them.
 * lora-linear.ts is the half over TF.js tensors.
 */
import { z } from 'zod';
import { InputError } from '../../protocol/errors.ts';
import { f32, sizeOf, type HostTensor, type TensorMap } from '../../protocol/tensor.ts';
import type { TensorSpec } from '../engine/engine.ts';
import type { Adaptable, Adapter, AdapterType, StoredAdapter } from './adapter.ts';

/** The linear layers of a decoder block. */
const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

const settings = z.strictObject({
  type: z.literal('lora'),
  rank: z.int().min(1).max(1_024).default(16).describe('Rank of the update to the weight of each adapted layer.'),
  alpha: z.number().positive().max(1e6).default(32).describe('The update is multiplied by `alpha` / `rank`.'),
  targets: z
    .array(z.string().min(1))
    .min(1)
    .default(PROJECTIONS)
    .describe("Linear layers of the decoder's blocks that are adapted, by the last part of their name."),
  vision: z
    .boolean()
    .optional()
    .describe(
      'Whether the linear layers of the vision tower are adapted too. Each pass then computes the tower and its gradient, instead of reusing the rows that the frozen tower computed once per picture.',
    ),
});

type LoraSettings = z.output<typeof settings>;

/** Program input [] that holds s. */
export const LORA_SCALE = 'lora.scale';
export const LORA_A = 'lora_A.weight';
export const LORA_B = 'lora_B.weight';
const PARTS = [LORA_A, LORA_B];

function make(model: Adaptable, { rank, alpha, targets, vision }: LoraSettings): Adapter {
  const layers = [...targetLayers(model, targets), ...(vision === true ? linearLayers(model, true) : [])];
  const matrix = (...shape: number[]): TensorSpec => ({ dtype: 'float32', shape });
  const trainable = Object.fromEntries(
    layers.flatMap(({ name, shape: [out, input] }) => [
      [`${name}.${LORA_A}`, matrix(rank, input!)],
      [`${name}.${LORA_B}`, matrix(out!, rank)],
    ]),
  );
  return {
    trainable,
    parts: PARTS,
    constants: { [LORA_SCALE]: f32([], [alpha / rank]) },
    initial: (stream) =>
      Object.fromEntries(
        Object.entries(trainable).map(([name, { shape }]) => [name, initial(name, shape, stream(name))]),
      ),
    peft: {
      peft_type: 'LORA',
      r: rank,
      lora_alpha: alpha,
      target_modules: layers.map(({ module }) => module).toSorted(),
      lora_dropout: 0,
      bias: 'none',
      fan_in_fan_out: false,
      use_rslora: false,
      use_dora: false,
      modules_to_save: null,
      init_lora_weights: true,
      inference_mode: true,
      task_type: 'CAUSAL_LM',
    },
  };
}

interface Layer {
  readonly name: string;
  readonly module: string;
  readonly shape: readonly number[];
}

/** Lists the linear layers of the vision tower, or those of the decoder's blocks. */
function linearLayers(model: Adaptable, ofTower: boolean): Layer[] {
  return Object.entries(model.parameters).flatMap(([parameter, { shape }]): Layer[] => {
    const module = model.moduleOf?.(parameter);
    if (module === undefined || (model.vision?.tower.owns(parameter) ?? false) !== ofTower) return [];
    return [{ name: parameter.slice(0, -'.weight'.length), module, shape }];
  });
}

/** @throws InputError naming a target that is not a layer of the decoder. */
function targetLayers(model: Adaptable, targets: readonly string[]): Layer[] {
  const layers = linearLayers(model, false);
  const kinds = new Set(layers.map(({ name }) => lastPart(name)));
  const unknown = targets.find((target) => !kinds.has(target));
  if (unknown !== undefined)
    throw new InputError(
      `\`learner.adapter.targets\` names ${JSON.stringify(unknown)}, which is not a linear layer of this model's decoder: use ${[...kinds].join(', ')}`,
    );
  return layers.filter(({ name }) => targets.includes(lastPart(name)));
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/**
 * Initializes as PEFT does: A is uniform in +- 1 / sqrt(in) (PyTorch's kaiming_uniform_ with a = sqrt(5)), B is zero.
 */
function initial(name: string, shape: readonly number[], uniform: () => number): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  if (name.endsWith(LORA_B)) return f32(shape, data);
  const bound = 1 / Math.sqrt(shape[1]!);
  return f32(
    shape,
    data.map(() => bound * (2 * uniform() - 1)),
  );
}

/** Values at which a field of PEFT's LoraConfig does not change the formula above. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  use_dora: [false],
  lora_bias: [false],
  fan_in_fan_out: [false],
  bias: ['none'],
  modules_to_save: [null],
  init_lora_weights: [true, false, 'gaussian'], // others change the base
  use_qalora: [null, false],
  use_bdlora: [null, false],
  alora_invocation_tokens: [null],
  kasa_config: [null],
  layer_replication: [null],
  rank_pattern: [null, {}],
  alpha_pattern: [null, {}],
};

const stored = z.looseObject({ r: z.int().positive(), lora_alpha: z.number(), use_rslora: z.boolean().nullish() });

function read(config: Readonly<Record<string, unknown>>): StoredAdapter | string {
  const parsed = stored.safeParse(config);
  if (!parsed.success) return `it has no usable ${parsed.error.issues[0]?.path.join('.') ?? 'r'}`;
  for (const [field, plain] of Object.entries(PLAIN)) {
    const value = JSON.stringify(config[field] ?? plain[0]);
    if (!plain.some((each) => JSON.stringify(each) === value)) return `its ${field} is ${value}`;
  }
  const { r, lora_alpha: alpha, use_rslora: byRoot } = parsed.data;
  return {
    parts: PARTS,
    merged: (base, adapter) => merged(base, adapter, { rank: r, scale: alpha / (byRoot === true ? Math.sqrt(r) : r) }),
  };
}

/** Replaces each W that has an A with W + s B A. */
function merged(
  base: TensorMap,
  adapter: TensorMap,
  { rank, scale }: { readonly rank: number; readonly scale: number },
): TensorMap {
  const weights: Record<string, HostTensor> = { ...base };
  for (const [name, a] of Object.entries(adapter)) {
    if (!name.endsWith(`.${LORA_A}`)) continue;
    const layer = name.slice(0, -LORA_A.length);
    const [weight, b] = [weights[`${layer}weight`]!, adapter[layer + LORA_B]];
    const fits = b && weight.shape.join() === [b.shape[0], a.shape[1]].join() && a.shape[0] === b.shape[1];
    if (!fits)
      throw new InputError(
        `the adapter's tensors "${name}" and "${layer}${LORA_B}" do not fit a weight of shape [${weight.shape.join(', ')}]`,
      );
    if (a.shape[0] !== rank)
      throw new InputError(
        `the adapter's tensor "${name}" has rank ${a.shape[0]}, and adapter_config.json says r ${rank}`,
      );
    weights[`${layer}weight`] = updated(weight, a, b, scale);
  }
  return weights;
}

/** Sums in double precision, rounds once. */
function updated(weight: HostTensor, a: HostTensor, b: HostTensor, scale: number): HostTensor {
  const [rank, input] = a.shape as [number, number];
  const data = Float32Array.from(weight.data);
  const row = new Float64Array(input);
  for (let out = 0; out < b.shape[0]!; out++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = scale * b.data[out * rank + k]!;
      for (let i = 0; i < input; i++) row[i]! += factor * a.data[k * input + i]!;
    }
    for (let i = 0; i < input; i++) data[out * input + i]! += row[i]!;
  }
  return f32(weight.shape, data);
}

export const lora = { settings, peftType: 'LORA', make, read } satisfies AdapterType<LoraSettings> & {
  settings: z.ZodType;
};
