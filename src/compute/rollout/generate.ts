/**
 * Batched generation: Q prompts x G samples. A prompt is computed once for all its samples, and each step decodes one
 * token per row. Finished rows are removed from the caches, so that they cost no more compute.
 */
import type { SamplingParams } from '../../protocol/ports.ts';
import { CancelledError } from '../../protocol/errors.ts';
import type { Sample } from '../../protocol/messages.ts';
import type { Random } from '../../data/rng.ts';
import { stage } from '../engine/native.ts';
import { generateAtOnce } from './at-once.ts';
import type { Begun, DecodeRows, DecodingRequest, RunningModel } from './decoding.ts';
import { DeviceDecoding } from './device-decoding.ts';
import { HostDecoding } from './host-decoding.ts';
import type { EncodedPrompt } from '../models/family.ts';
import { bucket, ladder } from '../programs/batch.ts';
import { drawsOf } from './draws.ts';
import { TokenSampler } from './token-sampler.ts';

export interface PromptRequest {
  /** The question's id, which selects the random stream of its samples. */
  readonly id: string;
  readonly prompt: EncodedPrompt;
}

export interface GenerateOptions {
  readonly params: SamplingParams;
  readonly stopTokens: ReadonlySet<number>;
  readonly seed: number;
  readonly version: number;
  /** The most rows decoded at once; it bounds the caches. */
  readonly maxRows: number;
  /**
   * Whether a chunk of prompts is decoded in one run of one program, instead of one run per token. Default: true on
   * `cuda` only. Both produce the same tokens.
   */
  readonly atOnce?: boolean;
  /**
   * Checked between decode steps, or between chunks with `atOnce`; once it returns true, generation ends with
   * CancelledError.
   */
  readonly cancelled?: () => boolean;
}

/** Tokens include the stop token that ended them. */
export type Generated = Omit<Sample, 'text' | 'refLogprobs'>;

/**
 * Generates G samples of each prompt, in order. A draw depends only on (seed, version, question id, sample, position),
 * not on the batch. Prompts must leave room for the new tokens in the model's context, which `encodePrompt` checks.
 * @throws CancelledError
 */
export async function generate(
  running: RunningModel,
  requests: readonly PromptRequest[],
  options: GenerateOptions,
): Promise<Generated[][]> {
  const chunk = Math.max(1, Math.floor(options.maxRows / options.params.samples));
  const groups: Generated[][] = [];
  const generateChunk = (options.atOnce ?? running.engine.name === 'cuda') ? generateAtOnce : generateByStep;
  for (let start = 0; start < requests.length; start += chunk) {
    stopIfCancelled(options);
    groups.push(...(await generateChunk(running, requests.slice(start, start + chunk), options)));
  }
  return groups;
}

async function generateByStep(
  running: RunningModel,
  requests: readonly PromptRequest[],
  options: GenerateOptions,
): Promise<Generated[][]> {
  const { samples, maxNewTokens } = options.params;
  const prompts = requests.map((request) => request.prompt);
  // The bucket is coarser than the trainer's, because every prompt length needs a ladder of decode programs.
  const promptLength = bucket(Math.max(...prompts.map((prompt) => prompt.ids.length)), 16);
  const begun = await beginDecoding(running, { prompts, promptLength, samples, newTokens: maxNewTokens });
  const { decoding } = begun;
  const rows = new Rows(requests, options, running.model.dimensions.vocabSize, begun);
  try {
    rows.draw(begun.logits, (row) => Math.floor(row / samples));
    for (let token = 1; rows.live > 0; token += 1) {
      stopIfCancelled(options);
      stage('token', token, maxNewTokens);
      const kept = rows.compact(decoding.rows);
      if (kept) await decoding.keep(kept);
      const logits = await decoding.step(rows);
      rows.advance();
      rows.draw(logits, (row) => row);
    }
  } finally {
    decoding.release();
  }
  return rows.groups();
}

function beginDecoding(running: RunningModel, request: DecodingRequest): Promise<Begun> {
  return running.engine.name === 'webgpu'
    ? DeviceDecoding.begin(running, request)
    : HostDecoding.begin(running, request);
}

function stopIfCancelled({ cancelled }: GenerateOptions): void {
  if (cancelled?.()) throw new CancelledError('generation was cancelled');
}

interface Row {
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly random: Random;
  finish: Generated['finish'] | undefined;
}

/** The unfinished samples, and the state of each cache row: its sample, last token, position and length. */
class Rows implements DecodeRows {
  readonly #samples: Row[];
  readonly #perPrompt: number;
  readonly #options: GenerateOptions;
  readonly #sampler: TokenSampler;
  order: Int32Array;
  tokens: Int32Array;
  positions: Int32Array;
  lengths: Int32Array;

  constructor(
    requests: readonly PromptRequest[],
    options: GenerateOptions,
    vocabulary: number,
    plan: { readonly lengths: readonly number[]; readonly nextPositions: readonly number[] },
  ) {
    const { params } = options;
    this.#options = options;
    this.#perPrompt = params.samples;
    this.#sampler = new TokenSampler(vocabulary, params);
    this.#samples = requests.flatMap(({ id }) =>
      Array.from({ length: params.samples }, (_, g): Row => ({
        tokens: [],
        logprobs: [],
        random: drawsOf(options, id, g),
        finish: undefined,
      })),
    );
    const each = (values: readonly number[]): Int32Array =>
      Int32Array.from(this.#samples, (_, row) => values[Math.floor(row / params.samples)]!);
    this.order = Int32Array.from(this.#samples, (_, row) => row);
    this.tokens = new Int32Array(this.#samples.length);
    this.positions = each(plan.nextPositions);
    this.lengths = each(plan.lengths);
  }

  /** The number of cache rows whose sample is unfinished. */
  get live(): number {
    return this.order.reduce((count, _, row) => count + (this.#isLive(row) ? 1 : 0), 0);
  }

  #isLive(row: number): boolean {
    return this.#samples[this.order[row]!]!.finish === undefined;
  }

  /** Draws the next token of every live row; `logitsRow` maps a cache row to its row of `logits`. */
  draw(logits: Float32Array, logitsRow: (row: number) => number): void {
    const { stopTokens, params } = this.#options;
    const vocabulary = this.#sampler.vocabulary;
    for (let row = 0; row < this.order.length; row++) {
      if (!this.#isLive(row)) continue;
      const sample = this.#samples[this.order[row]!]!;
      const { token, logprob } = this.#sampler.draw(logits, logitsRow(row) * vocabulary, sample.random.float());
      sample.tokens.push(token);
      sample.logprobs.push(logprob);
      this.tokens[row] = token;
      if (stopTokens.has(token)) sample.finish = 'stop';
      else if (sample.tokens.length >= params.maxNewTokens) sample.finish = 'length';
    }
  }

  /** Records that the cache now holds the token that was fed. */
  advance(): void {
    for (let row = 0; row < this.order.length; row++) {
      if (!this.#isLive(row)) continue;
      this.positions[row]!++;
      this.lengths[row]!++;
    }
  }

  /**
   * Drops finished rows when fewer rows are enough, and returns the cache rows to keep, in order; otherwise returns
   * undefined.
   */
  compact(rows: number): Int32Array | undefined {
    const live = this.order.map((_, row) => row).filter((row) => this.#isLive(row));
    const size = ladder(live.length);
    if (size >= rows) return undefined;
    // A spare row of a ladder step repeats the first row but must not draw for its sample, so it holds a
    // finished sample.
    const finished = this.order.findIndex((_, row) => !this.#isLive(row));
    const kept = Int32Array.from({ length: size }, (_, row) => live[row] ?? finished);
    const select = (values: Int32Array): Int32Array => Int32Array.from(kept, (row) => values[row]!);
    this.order = select(this.order);
    this.tokens = select(this.tokens);
    this.positions = select(this.positions);
    this.lengths = select(this.lengths);
    return kept;
  }

  groups(): Generated[][] {
    const done = this.#samples.map(({ tokens, logprobs, finish }): Generated => ({
      tokens,
      logprobs,
      finish: finish ?? 'length',
    }));
    return Array.from({ length: done.length / this.#perPrompt }, (_, q) =>
      done.slice(q * this.#perPrompt, (q + 1) * this.#perPrompt),
    );
  }
}
