/**
 * Draws the next token of one row of logits and reports its log-probability under the distribution it was drawn from:
 * temperature, then top-k, then top-p, as in `transformers`. Tokens tied with the last kept token are kept too, so the
 * kept set does not depend on the order of the vocabulary.
 */
import type { TokenParams } from '../programs/draw.ts';

export interface Draw {
  token: number;
  /** log pi(token) under the sampling distribution; 0 when greedy. */
  logprob: number;
}

/** Reuses its buffers: no allocation per draw. The returned `Draw` is overwritten by the next one. */
export class TokenSampler {
  readonly #params: TokenParams;
  readonly #weights: Float64Array;
  readonly #scratch: Float64Array;
  readonly #draw: Draw = { token: 0, logprob: 0 };

  /** @throws RangeError when a parameter is out of range. */
  constructor(vocabulary: number, params: TokenParams) {
    checkTokenParams(params);
    this.#params = params;
    this.#weights = new Float64Array(vocabulary);
    this.#scratch = new Float64Array(vocabulary);
  }

  get vocabulary(): number {
    return this.#weights.length;
  }

  /** Samples from `logits[offset .. offset + V]` with `uniform` in [0, 1). */
  draw(logits: Float32Array, offset: number, uniform: number): Draw {
    const best = argmax(logits, offset, this.#weights.length);
    const top = logits[offset + best] ?? 0;
    if (!Number.isFinite(top)) throw new RangeError(`the largest logit is ${top}: the model's output is not finite`);
    if (this.#params.temperature === 0) return this.#result(best, 0);
    const total = this.#weigh(logits, offset, top);
    if (!Number.isFinite(total)) throw new RangeError("a logit is NaN: the model's output is not finite");
    const kept = this.#truncate(total);
    const token = pick(this.#weights, kept.floor, uniform * kept.total, best);
    return this.#result(token, Math.log((this.#weights[token] ?? 0) / kept.total));
  }

  #result(token: number, logprob: number): Draw {
    this.#draw.token = token;
    this.#draw.logprob = logprob;
    return this.#draw;
  }

  /** Computes unnormalised probabilities exp((logit - top) / temperature) and returns their sum. */
  #weigh(logits: Float32Array, offset: number, top: number): number {
    const weights = this.#weights;
    const inverse = 1 / this.#params.temperature;
    let total = 0;
    for (let token = 0; token < weights.length; token++) {
      const weight = Math.exp(((logits[offset + token] ?? 0) - top) * inverse);
      weights[token] = weight;
      total += weight;
    }
    return total;
  }

  /** Returns the smallest weight that top-k and top-p keep, and the sum of the kept weights. */
  #truncate(total: number): { floor: number; total: number } {
    const { topK, topP } = this.#params;
    let floor = 0;
    let kept = total;
    if (topK > 0 && topK < this.#weights.length) {
      this.#scratch.set(this.#weights);
      floor = thresholdWhere(this.#scratch, (count) => count >= topK);
      kept = sumFrom(this.#weights, floor);
    }
    if (topP < 1) {
      const target = topP * kept;
      this.#scratch.set(this.#weights);
      floor = Math.max(
        floor,
        thresholdWhere(this.#scratch, (_count, mass) => mass >= target),
      );
      kept = sumFrom(this.#weights, floor);
    }
    return { floor, total: kept };
  }
}

/** @throws RangeError when a parameter is out of range. */
export function checkTokenParams({ temperature, topP, topK }: TokenParams): void {
  if (!(temperature >= 0)) throw new RangeError(`temperature must be 0 (greedy) or positive, got ${temperature}`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP must lie in (0, 1], got ${topP}`);
  if (!(Number.isInteger(topK) && topK >= 0))
    throw new RangeError(`topK must be 0 (off) or a positive integer, got ${topK}`);
}

function argmax(logits: Float32Array, offset: number, length: number): number {
  let best = 0;
  let top = -Infinity;
  for (let token = 0; token < length; token++) {
    const value = logits[offset + token] ?? 0;
    if (value > top) {
      top = value;
      best = token;
    }
  }
  return best;
}

function sumFrom(weights: Float64Array, floor: number): number {
  let total = 0;
  for (const weight of weights) if (weight >= floor) total += weight;
  return total;
}

/**
 * Returns the first token whose cumulative kept weight exceeds `target`; `fallback` guards the rounding at the very
 * end.
 */
function pick(weights: Float64Array, floor: number, target: number, fallback: number): number {
  let seen = 0;
  let last = fallback;
  for (let token = 0; token < weights.length; token++) {
    const weight = weights[token] ?? 0;
    if (weight < floor || weight === 0) continue;
    seen += weight;
    last = token;
    if (seen > target) return token;
  }
  return last;
}

/**
 * Returns the largest value `v` for which `enough(count, mass)` of all values >= v holds; `enough` is monotonic. The
 * algorithm is quickselect: linear time on average, which matters at a vocabulary of 152,000. Reorders `values`.
 */
function thresholdWhere(values: Float64Array, enough: (count: number, mass: number) => boolean): number {
  let low = 0;
  let high = values.length;
  let count = 0;
  let mass = 0;
  let floor = 0;
  while (low < high) {
    const pivot = values[(low + high) >>> 1] ?? 0;
    const split = partition(values, low, high, pivot);
    if (enough(count + split.equal - low, mass + split.mass)) {
      floor = pivot;
      high = split.greater;
    } else {
      count += split.equal - low;
      mass += split.mass;
      low = split.equal;
    }
  }
  return floor;
}

/**
 * Reorders [low, high) to: > pivot, = pivot, < pivot. Returns the ends of the first two parts and the sum of their
 * values.
 */
function partition(
  values: Float64Array,
  low: number,
  high: number,
  pivot: number,
): { greater: number; equal: number; mass: number } {
  let greater = low;
  let equal = low;
  let mass = 0;
  for (let at = low; at < high; at++) {
    const value = values[at] ?? 0;
    if (value < pivot) continue;
    mass += value;
    values[at] = values[equal] ?? 0;
    if (value > pivot) {
      values[equal] = values[greater] ?? 0;
      values[greater++] = value;
    } else {
      values[equal] = value;
    }
    equal++;
  }
  return { greater, equal, mass };
}
