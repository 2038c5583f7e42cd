/**
 * Widens a Qwen2.5-VL into a larger shape that computes the same, as Net2Net does (Chen et al. 2016). The units of the
 * small model keep their weights; what is new starts with random weights and adds nothing, as it is multiplied by zeros
 * on its way into the residual stream, which training changes.
 */
import { parseConfig } from '../compute/models/qwen2_5_vl/config.ts';
import type { Architecture } from '../compute/models/family.ts';
import { Random } from '../data/rng.ts';
import { f32, sizeOf, type HostTensor, type TensorMap } from '../protocol/tensor.ts';

/** Heads of one stack, and the width of its rows. */
interface Stack {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Where the row or column `i` of the small tensor stands in the large one. */
type Place = (i: number) => number;

interface Placed {
  readonly rows?: Place;
  readonly columns?: Place;
  /** Factor of row `i` of the small tensor. */
  readonly scale?: (i: number) => number;
  /** Rows from that of row `i` on that are the small model's; all but the first are zero. */
  readonly span?: (i: number) => number;
}

/** Weights that write to the residual stream, or turn a token into its row: what is new in them is zero. */
const WRITES = /embed|\.(?:o_proj|down_proj|attn\.proj|merger\.mlp\.2)\./;

const same: Place = (i) => i;

/** @throws RangeError when heads of the large model cannot hold those of the small one. */
export function widened(
  from: { readonly model: Architecture; readonly weights: TensorMap },
  to: Architecture,
  seed: number,
): TensorMap {
  const [small, large] = [parseConfig(from.model.raw, 'config.json'), parseConfig(to.raw, 'config.json')];
  const text = placesOf(small.text, large.text, '');
  const tower = (config: typeof small): Stack => ({ ...config.vision, kvHeads: config.vision.heads });
  const vision = placesOf(tower(small), tower(large), 'vision_config.');
  const merged: Place = (i) =>
    Math.floor(i / small.vision.hiddenSize) * large.vision.hiddenSize + (i % small.vision.hiddenSize);
  const placed = (name: string): Placed => {
    if (name.includes('merger.mlp.0')) return { columns: merged };
    // The tower's rows enter the decoder's residual stream.
    return name.startsWith('visual.') && !name.includes('merger.mlp.2') ? vision(name) : text(name);
  };
  const entries = Object.entries(to.parameters).map(([name, { shape }]): [string, HostTensor] => {
    const own = from.weights[name];
    const fresh = freshTensor(name, shape, new Random(seed, 'widened', name));
    if (own) place(own, fresh, placed(name));
    return [name, fresh];
  });
  return Object.fromEntries(entries);
}

/**
 * RMSNorm divides by the root of the mean over all columns, so in k times as many the small model's residual stream is
 * sqrt(k) times as large, and what a norm multiplies by is that much smaller. The last norm also undoes the factor of
 * the tied head.
 */
function placesOf(small: Stack, large: Stack, prefix: string): (name: string) => Placed {
  const stream = Math.sqrt(large.hiddenSize / small.hiddenSize);
  const ratio = large.headDim / small.headDim;
  if (
    !Number.isInteger(ratio) ||
    large.kvHeads < small.kvHeads ||
    large.heads / large.kvHeads < small.heads / small.kvHeads
  )
    throw new RangeError(`${prefix}hidden_size and heads: ${small.heads} heads of ${small.headDim} do not fit`);
  const sharing = small.heads / small.kvHeads;
  const query = heads(small.headDim, ratio, (head) => {
    const group = Math.floor(head / sharing);
    return (group * large.heads) / large.kvHeads + (head % sharing);
  });
  const key = heads(small.headDim, ratio, same);
  const joined: Place = (i) => Math.floor(i / small.hiddenSize) * large.hiddenSize + query(i % small.hiddenSize);
  // Scores are divided by the root of the head's width.
  const score = Math.sqrt(ratio);
  const isQuery = (i: number): boolean => i < small.hiddenSize;
  return (name) => {
    if (name === 'model.norm.weight') return { scale: () => stream ** -2 };
    if (/norm|ln_q/.test(name)) return { scale: () => 1 / stream };
    if (name.includes('.q_proj.')) return { rows: query, scale: () => score, span: () => ratio };
    if (/\.[kv]_proj\./.test(name)) return { rows: key };
    if (name.includes('.qkv.'))
      return { rows: joined, scale: (i) => (isQuery(i) ? score : 1), span: (i) => (isQuery(i) ? ratio : 1) };
    if (/\.(?:o_proj|attn\.proj)\./.test(name)) return { columns: query, scale: () => stream };
    return WRITES.test(name) ? { scale: () => stream } : {};
  };
}

/** Rotary frequencies of a head `ratio` times as wide contain those of the small one, every `ratio`-th. */
function heads(width: number, ratio: number, headAt: Place): Place {
  return (i) => headAt(Math.floor(i / width)) * width * ratio + ratio * (i % width);
}

/** As PyTorch's linear layers start: uniform, of variance 1 / (3 fan-in). */
function freshTensor(name: string, shape: readonly number[], random: Random): HostTensor {
  const data = new Float32Array(sizeOf(shape));
  if (shape.length === 1) return f32(shape, data.fill(name.endsWith('.bias') ? 0 : 1));
  if (WRITES.test(name)) return f32(shape, data);
  const bound = 1 / Math.sqrt(sizeOf(shape.slice(1)));
  for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.float() - 1);
  return f32(shape, data);
}

/** Rows of the small model read its columns alone. */
function place(own: HostTensor, into: HostTensor, placed: Placed): void {
  const { rows = same, columns = same, scale = () => 1, span = () => 1 } = placed;
  const [width, wide] = [sizeOf(own.shape.slice(1)), sizeOf(into.shape.slice(1))];
  const data = into.data as Float32Array;
  for (let row = 0; row < own.shape[0]!; row++) {
    const start = rows(row) * wide;
    data.fill(0, start, start + span(row) * wide);
    for (let i = 0; i < width; i++) data[start + columns(i)] = scale(row) * own.data[row * width + i]!;
  }
}
