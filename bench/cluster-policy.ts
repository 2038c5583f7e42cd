/** A policy that computes nothing: its sampler sleeps and gives the same responses to each question; its learner counts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../src/lib/make-folder.ts';
import { Random } from '../src/data/rng.ts';
import type { Learner } from '../src/policy/learner.ts';
import type { Policy } from '../src/policy/policy.ts';
import type { Sampler, WeightsOf } from '../src/policy/sampler.ts';
import type { Batch, Sample, StepMetrics } from '../src/protocol/messages.ts';
import type { LearnReply, WeightsRef } from '../src/protocol/ports.ts';

/** Of a Qwen2.5-VL. */
const VOCABULARY = 151_936;
const SAMPLES = 16;
const TOKENS = 512;
/** Samples with the winning answer: the filters of a default run keep the group. */
const AGREE = 12;
/** Characters of a word, so that a token has about four. */
const LETTERS = 3;
const STEP_MILLISECONDS = 100;

/** `sampling` of the configuration. */
export const SAMPLING = { samples: SAMPLES, maxNewTokens: TOKENS, temperature: 1 } as const;

export function sleepingPolicy(weightBytes: number): Policy {
  return { learner: new CountingLearner(weightBytes), sampler: sleepingSampler(0) };
}

/**
 * @param milliseconds that a job takes. @param weightsOf a worker's, which reads each version once, as an engine does.
 */
export function sleepingSampler(milliseconds: number, weightsOf?: WeightsOf): Sampler {
  const samples = responses();
  let reading: { readonly version: number; readonly bytes: Promise<unknown> } | undefined;
  return {
    open: () => Promise.resolve(),
    async sample({ version, questions, params }, signal) {
      if (weightsOf && reading?.version !== version)
        reading = { version, bytes: weightsOf(version).then((ref) => ref.read()) };
      await reading?.bytes;
      await sleep(milliseconds, undefined, signal && { signal });
      return {
        // A check may ask for fewer.
        groups: questions.map(() => samples.slice(0, params.samples)),
        promptTokens: 300 * questions.length,
        newTokens: params.samples * TOKENS * questions.length,
        seconds: milliseconds / 1000,
      };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function responses(): Sample[] {
  const random = new Random('bench', 'cluster');
  const word = (): string => String.fromCharCode(...Array.from({ length: LETTERS }, () => random.int(97, 122)));
  // An engine's log-probabilities are float32 numbers.
  const logprobs = (): number[] => Array.from({ length: TOKENS }, () => Math.fround(-random.float()));
  return Array.from({ length: SAMPLES }, (_, i) => ({
    tokens: Array.from({ length: TOKENS }, () => random.int(0, VOCABULARY - 1)),
    logprobs: logprobs(),
    refLogprobs: logprobs(),
    text: `${Array.from({ length: TOKENS }, word).join(' ')} \\boxed{${i < AGREE ? 7 : i}}`,
    finish: 'stop',
  }));
}

class CountingLearner implements Learner {
  readonly limits = { vocabulary: VOCABULARY, context: 4_096 };
  readonly #weightBytes: number;
  #newest = 0;

  constructor(weightBytes: number) {
    this.#weightBytes = weightBytes;
  }

  open(): Promise<{ readonly version: number }> {
    return Promise.resolve({ version: this.#newest });
  }

  async step({ parent, id }: Batch): Promise<LearnReply> {
    await sleep(STEP_MILLISECONDS);
    this.#newest = parent + 1;
    const metrics: StepMetrics = {
      loss: 0,
      kl: 0,
      entropy: 1,
      clipFraction: 0,
      ratio: 1,
      gradNorm: 1,
      learningRate: 1e-6,
      tokens: SAMPLES * TOKENS,
      seconds: STEP_MILLISECONDS / 1000,
    };
    return { version: { n: this.#newest, parent, batchId: id, metrics }, metrics };
  }

  publish(version: number): Promise<WeightsRef> {
    const read = (): Promise<Uint8Array> => {
      const bytes = Buffer.alloc(this.#weightBytes);
      bytes.writeUInt32LE(version);
      return Promise.resolve(bytes);
    };
    return Promise.resolve({ version, id: `version-${version}`, size: this.#weightBytes, read });
  }

  save(n: number, folder: string): Promise<void> {
    makeFolder(folder);
    writeFileSync(join(folder, 'version'), String(n));
    return Promise.resolve();
  }

  restore(_: string, __: number, as: number): Promise<void> {
    this.#newest = as;
    return Promise.resolve();
  }

  retain(): void {}

  release(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
