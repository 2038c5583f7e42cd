/**
 * The project's one source of randomness. A stream is named by a seed and labels, so a draw depends on its purpose and
 * never on earlier draws elsewhere: `new Random(seed, 'sample', version, questionId, i, position)`. Integer and float64
 * arithmetic only (no transcendental functions), so every platform draws the same numbers.
 *
 * Generator: sfc32 (Doty-Humphrey, PractRand), keyed by a 128-bit murmur-style hash (bryc's cyrb128) of the JSON of
 * seed and labels.
 */
export type Label = number | string;

export class Random {
  private readonly key: string;
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: Label, ...labels: readonly Label[]) {
    this.key = JSON.stringify([seed, ...labels]);
    [this.a, this.b, this.c, this.d] = hash128(this.key);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /**
   * An independent stream named by this stream's name and further labels; the position of this stream does not matter.
   */
  fork(...labels: readonly Label[]): Random {
    return new Random(this.key, ...labels);
  }

  uint32(): number {
    const t = (this.a + this.b + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000;
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** Standard normal by the sum of twelve uniforms: exact mean 0 and variance 1, no tail past 6. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 6; i++) {
      const bits = this.uint32();
      sum += ((bits & 0xffff) + (bits >>> 16) + 1) / 0x10000;
    }
    return sum;
  }

  /** @throws RangeError on an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('cannot pick from an empty list');
    return items[this.int(0, items.length - 1)] as T;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}

/** Four 32-bit words of a string; not cryptographic. */
function hash128(text: string): [number, number, number, number] {
  let h1 = 1779033703;
  let h2 = 3144134277;
  let h3 = 1013904242;
  let h4 = 2773480762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  h1 ^= h2 ^ h3 ^ h4;
  return [h1, h2 ^ h1, h3 ^ h1, h4 ^ h1];
}
