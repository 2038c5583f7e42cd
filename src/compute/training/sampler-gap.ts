/**
 * How far the sampler's log-probabilities are from those that the learner computes before its update: |log pi of the
 * learner - of the sampler| over tokens, nats. Two programs compute the same number, so it shows their rounding; with
 * stale groups, also what the policy has moved since.
 */
import type { HostTensor } from '../../protocol/tensor.ts';
import type { Pass } from './passes.ts';

interface Sampled {
  readonly tokens: readonly number[];
  /** log pi of each token under the sampler. */
  readonly sampled?: ArrayLike<number> | undefined;
}

/** Over some of the tokens. */
export interface GapPart {
  readonly sum: number;
  readonly most: number;
  readonly tokens: number;
}

export class SamplerGap {
  #sum = 0;
  #most = 0;
  #tokens = 0;

  get part(): GapPart {
    return { sum: this.#sum, most: this.#most, tokens: this.#tokens };
  }

  /** Adds what another thread measured. */
  merge({ sum, most, tokens }: GapPart): void {
    this.#sum += sum;
    this.#most = Math.max(this.#most, most);
    this.#tokens += tokens;
  }

  /** @param logProbs [N, R], the learner's, of the responses of `pass`. */
  add({ groups, responseLength }: Pass<Sampled>, { data }: HostTensor): void {
    const responses = groups.flatMap((group) => group.responses);
    responses.forEach(({ tokens, sampled }, row) => {
      if (sampled === undefined) return;
      for (let t = 0; t < tokens.length; t++) {
        const distance = Math.abs(data[row * responseLength + t]! - sampled[t]!);
        this.#sum += distance;
        this.#most = Math.max(this.#most, distance);
        this.#tokens += 1;
      }
    });
  }

  /** Mean and maximum; undefined without a token whose sampler's log-probability is known. */
  get found(): { readonly mean: number; readonly most: number } | undefined {
    return this.#tokens === 0 ? undefined : { mean: this.#sum / this.#tokens, most: this.#most };
  }
}
