/** Generates random weights piece by piece for a weight file: norms 1, biases 0, all others normal. */
import { bfloat16 } from '../../compute/hf/half.ts';
import type { WrittenTensor, WrittenTensors } from '../../compute/hf/safetensors.ts';
import type { Specs } from '../../compute/engine/engine.ts';
import { Random } from '../../data/rng.ts';
import { sizeOf } from '../../protocol/tensor.ts';

/** `initializer_range` of the family. */
const STD = 0.02;
/** The number of 16-bit values: one draw of 32 bits gives two weights, one from each half. */
const TABLE = 2 ** 16;
/** Numbers per piece; even, so that pieces do not depend on each other. */
const PIECE = 2 ** 21;

export type RandomType = 'BF16' | 'F32';

/** Each tensor has its own stream, so its bytes depend only on the seed, its name and its shape. */
export function randomWeights(specs: Specs, dtype: RandomType, seed: number): WrittenTensors {
  const table = asStored(normals(seed), dtype);
  const tensors = Object.entries(specs).map(([name, { shape }]): [string, WrittenTensor] => {
    const constant = asStored(Float32Array.of(name.endsWith('.bias') ? 0 : 1), dtype);
    const bytes = () =>
      pieces(sizeOf(shape), dtype, shape.length === 1 ? fillWith(constant) : draw(table, new Random(seed, name)));
    return [name, { dtype, shape, bytes }];
  });
  return Object.fromEntries(tensors);
}

type Stored = Float32Array | Uint16Array;
type Fill = (values: Stored) => void;

/**
 * Returns the table from which weights are drawn: a normal draw per weight would take minutes for billions of weights.
 */
function normals(seed: number): Float32Array {
  const random = new Random(seed, 'normal table');
  return Float32Array.from({ length: TABLE }, () => STD * random.normal());
}

function asStored(values: Float32Array, dtype: RandomType): Stored {
  return dtype === 'F32' ? values : bfloat16(values);
}

function fillWith([constant = 0]: Stored): Fill {
  return (values) => void values.fill(constant);
}

function draw(table: Stored, random: Random): Fill {
  return (values) => {
    for (let i = 0; i < values.length; i += 2) {
      const word = random.uint32();
      values[i] = table[word & (TABLE - 1)]!;
      values[i + 1] = table[word >>> 16]!; // a write past an odd end is ignored
    }
  };
}

function* pieces(size: number, dtype: RandomType, fill: Fill): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= PIECE) {
    const count = Math.min(left, PIECE);
    const values = dtype === 'F32' ? new Float32Array(count) : new Uint16Array(count);
    fill(values);
    yield new Uint8Array(values.buffer);
  }
}
