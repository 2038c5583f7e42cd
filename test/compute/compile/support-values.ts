/** Seeded tensors for tests. */
import { sizeOf, type DType, type HostTensor } from '../../../src/protocol/tensor.ts';

/** Distinct values at least 0.07 apart, none near 0: kinks and ties stay away from finite differences. */
export function spread(shape: readonly number[], seed: number): HostTensor {
  const size = sizeOf(shape);
  const order = shuffle(size, seed);
  return {
    dtype: 'float32',
    shape,
    data: Float32Array.from(order, (rank) => (rank - Math.floor(size / 2)) * 0.0731 + 0.0137),
  };
}

export function positive(shape: readonly number[], seed: number): HostTensor {
  const tensor = spread(shape, seed);
  return { ...tensor, data: Float32Array.from(tensor.data, (value) => Math.abs(value) + 0.3) };
}

export function integers(
  shape: readonly number[],
  seed: number,
  min: number,
  max: number,
  dtype: DType = 'int32',
): HostTensor {
  const values = Int32Array.from({ length: sizeOf(shape) }, (_, i) => min + (hash(seed + i) % (max - min + 1)));
  const data = dtype === 'float32' ? Float32Array.from(values) : dtype === 'bool' ? Uint8Array.from(values) : values;
  return { dtype, shape, data };
}

export const bools = (shape: readonly number[], seed: number): HostTensor => integers(shape, seed, 0, 1, 'bool');

const hash = (n: number): number => (Math.imul((n ^ (n >>> 15)) + 0x9e3779b9, 0x85ebca6b) ^ (n << 7)) >>> 8;

function shuffle(size: number, seed: number): number[] {
  const order = Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = hash(seed * 31 + i) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
