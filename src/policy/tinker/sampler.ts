/** A sampler on a Tinker API server: each question is one request for G samples of a version that the server keeps. */
import { createHash } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Question, Sample } from '../../protocol/messages.ts';
import type { SampleReply, SampleRequest } from '../../protocol/ports.ts';
import type { Sampler, WeightsOf } from '../sampler.ts';
import { LostError, RefusedError, type TinkerClient } from './client.ts';
import type { Prompts } from './prompts.ts';
import { sampled } from './wire.ts';

export interface TinkerSamplerOptions {
  readonly client: TinkerClient;
  readonly prompts: Promise<Prompts>;
  readonly timeouts: Pick<Config['timeouts'], 'sampleSeconds'>;
  /** Called when the server does not have the weights that it gave. */
  readonly lost: (why: string) => void;
}

export class TinkerSampler implements Sampler {
  readonly #options: TinkerSamplerOptions;
  readonly #weightsOf: WeightsOf;

  constructor(options: TinkerSamplerOptions, weightsOf: WeightsOf) {
    this.#options = options;
    this.#weightsOf = weightsOf;
  }

  async open(): Promise<void> {
    await this.#options.prompts;
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const started = performance.now();
    const { id } = await this.#weightsOf(request.version);
    const answers = await Promise.all(request.questions.map((question) => this.#ask(question, request, id, signal)));
    const groups = answers.map(({ samples }) => samples);
    return {
      groups,
      promptTokens: answers.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
      newTokens: groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0),
      seconds: (performance.now() - started) / 1_000,
    };
  }

  async #ask(question: Question, request: SampleRequest, model_path: string, signal?: AbortSignal) {
    const { client, timeouts } = this.#options;
    const prompts = await this.#options.prompts;
    const { samples, temperature, topP, topK, maxNewTokens } = request.params;
    const { chunks, nextPosition } = await prompts.encode(question, maxNewTokens);
    const body = {
      type: 'sample',
      num_samples: samples,
      prompt: { chunks },
      sampling_params: {
        max_tokens: maxNewTokens,
        temperature,
        top_p: topP,
        ...(topK > 0 && { top_k: topK }),
        seed: seedOf(request, question),
        stop: prompts.endTokens,
      },
      model_path,
    };
    const doing = `sampling question ${question.id}`;
    const answer = await client
      .result({ doing, path: '/asample', body, schema: sampled, signal, repeatable: true }, timeouts.sampleSeconds)
      .catch((error: unknown) => {
        const isRefused = error instanceof RefusedError;
        if (error instanceof LostError || (isRefused && error.status === 404)) this.#options.lost(error.message);
        throw isRefused && [400, 413, 422].includes(error.status) ? new InputError(error.message) : (error as Error);
      });
    if (answer.sequences.length !== samples)
      throw new Error(`${client.name} answered ${answer.sequences.length} samples, not ${samples}`);
    const given = answer.sequences.map(({ tokens, logprobs, stop_reason: finish }): Sample => {
      if (tokens.length !== logprobs.length || tokens.length === 0)
        throw new Error(`${client.name} answered ${tokens.length} tokens with ${logprobs.length} log-probabilities`);
      return { tokens, logprobs: logprobs.map((each) => Math.min(0, each)), text: prompts.decode(tokens), finish };
    });
    return { samples: given, promptTokens: nextPosition };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Same seed, version and question: same samples, as far as the server keeps to it. */
function seedOf({ seed, version }: SampleRequest, { id }: Question): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, version, id]))
    .digest();
  return digest.readUInt32LE(0) >>> 1;
}
