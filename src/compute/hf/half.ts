/** Numbers of 16 bits, as weights are often stored, to float32 and back. */
import { InputError } from '../../protocol/errors.ts';

export type StoredType = 'F32' | 'F16' | 'BF16';

/** Size of one number. */
export const BYTES: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, BF16: 2 };

export function toFloat32(buffer: ArrayBuffer, dtype: StoredType): Float32Array {
  if (dtype === 'F32') return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  const bits = new Uint32Array(halves.length);
  if (dtype === 'BF16') {
    for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  } else {
    for (let i = 0; i < bits.length; i++) bits[i] = halfBits(halves[i]!);
  }
  return new Float32Array(bits.buffer);
}

/** IEEE binary16 -> binary32, as bits. */
function halfBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** float32 -> bfloat16, rounded to nearest even. */
export function bfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word, i) =>
    Number.isNaN(values[i]) ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16,
  );
}

/** The largest finite binary16 is 65504. */
const HALF_OVERFLOW = 65520;

/**
 * float32 -> IEEE binary16, rounded to nearest even. @throws InputError naming `what` when a finite number is too
 * large.
 */
export function float16(values: Float32Array, what: string): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word, i) => {
    const sign = (word >>> 16) & 0x8000;
    const size = Math.abs(values[i]!);
    if (Number.isNaN(size)) return sign | 0x7e00;
    if (size === Infinity) return sign | 0x7c00;
    if (size >= HALF_OVERFLOW)
      throw new InputError(
        `${what}: ${values[i]} is too large for float16, which ends at 65504: store it as BF16 or F32`,
      );
    // Below the smallest normal number the last bit is 2^-24, from there on one of 11 bits; both are exact in a double.
    if (size < 2 ** -14) return sign | halfEven(size * 2 ** 24);
    const rounded = word + 0xfff + ((word >>> 13) & 1);
    return sign | (((rounded >>> 13) & 0x3ffff) - (112 << 10));
  });
}

function halfEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor > 0.5 || (x - floor === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
