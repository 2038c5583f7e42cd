/**
 * Decodes in host memory: one cache per prompt, which its samples share, and one per row for the tokens that it has
 * generated. This file appends to the latter.
 */
import { f32, i32, type HostTensor } from '../../protocol/tensor.ts';
import {
  presentCaches,
  type Begun,
  type DecodeRows,
  type Decoding,
  type DecodingRequest,
  type RunningModel,
} from './decoding.ts';
import type { Feed, Program } from '../engine/engine.ts';
import { FORBIDDEN, type Dimensions } from '../models/family.ts';
import { bucket, promptMask } from '../programs/batch.ts';
import { decodeFeeds } from '../programs/decode.ts';
import { ownCaches, promptCaches, sharedDecodeProgram } from '../programs/decode-shared.ts';
import { planPrefill, prefillProgram } from '../programs/prefill.ts';

export class HostDecoding implements Decoding {
  readonly #running: RunningModel;
  readonly #request: DecodingRequest;
  /** Feeds that do not change between steps: weights, prompts' caches and mask. */
  readonly #fixed: Readonly<Record<string, Feed>>;
  /** T */
  readonly #ownLength: number;
  /** Keys and values of each layer in turn, room for Q*G rows of [KV, T, hd]; the first `rows` are in use. */
  readonly #own: readonly (readonly [Float32Array, Float32Array])[];
  readonly #ownMask: Float32Array;
  /** Steps done, which is the number of filled slots of the own caches. */
  #filled = 0;
  #rows: number;
  #program: Program | undefined;

  private constructor(running: RunningModel, request: DecodingRequest, fixed: Readonly<Record<string, Feed>>) {
    const { layers, kvHeads, headDim } = running.model.dimensions;
    this.#running = running;
    this.#request = request;
    this.#fixed = fixed;
    this.#rows = request.prompts.length * request.samples;
    this.#ownLength = bucket(request.newTokens);
    const size = this.#rows * kvHeads * this.#ownLength * headDim;
    this.#own = Array.from({ length: layers }, () => [new Float32Array(size), new Float32Array(size)] as const);
    this.#ownMask = new Float32Array(this.#ownLength).fill(FORBIDDEN);
  }

  static async begin(running: RunningModel, request: DecodingRequest): Promise<Begun> {
    const { engine, model, weights } = running;
    const { prompts, promptLength } = request;
    const plan = planPrefill(model, prompts, { samples: 1, newTokens: 1, promptLength });
    const program = await engine.compile(prefillProgram(model, plan.shape));
    const outputs = await program.run({ ...weights, ...plan.feeds });
    const fixed = {
      ...weights,
      ...promptFeeds(model.dimensions, outputs as Record<string, HostTensor>, prompts.length, promptLength),
      promptMask: promptMask(prompts, promptLength, 'right'),
    };
    const { lengths, nextPositions } = plan;
    return {
      decoding: new HostDecoding(running, request, fixed),
      logits: (outputs['logits'] as HostTensor).data as Float32Array,
      lengths,
      nextPositions,
    };
  }

  get rows(): number {
    return this.#rows;
  }

  async step(rows: DecodeRows): Promise<Float32Array> {
    const { model } = this.#running;
    const { prompts, samples } = this.#request;
    this.#program ??= await this.#compile();
    const { lengths: _, ...feeds } = decodeFeeds(model, rows);
    const slotRows = new Int32Array(prompts.length * samples);
    rows.order.forEach((slot, row) => (slotRows[slot] = row));
    const outputs = await this.#program.run({
      ...this.#fixed,
      ...this.#ownFeeds(),
      ...feeds,
      rowSlots: i32([this.#rows], rows.order),
      slotRows: i32([slotRows.length], slotRows),
    });
    const [keys, values, logits] = [outputs['keys'], outputs['values'], outputs['logits']].map(
      (output) => (output as HostTensor).data as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array];
    this.#append(keys, values);
    return logits;
  }

  async keep(rows: Int32Array): Promise<void> {
    const { kvHeads, headDim } = this.#running.model.dimensions;
    const stride = kvHeads * this.#ownLength * headDim;
    for (const cache of this.#own.flat()) {
      rows.forEach((from, to) => {
        if (from !== to) cache.copyWithin(to * stride, from * stride, (from + 1) * stride);
      });
    }
    this.#rows = rows.length;
    this.#program = undefined;
  }

  /** Does nothing: the garbage collector frees the host memory with this object. */
  release(): void {}

  #compile(): Promise<Program> {
    const { engine, model } = this.#running;
    const { prompts, samples, promptLength } = this.#request;
    return engine.compile(
      sharedDecodeProgram(model, {
        prompts: prompts.length,
        samples,
        promptLength,
        rows: this.#rows,
        ownLength: this.#ownLength,
      }),
    );
  }

  #ownFeeds(): Record<string, HostTensor> {
    const { kvHeads, headDim } = this.#running.model.dimensions;
    const shape = [this.#rows, kvHeads, this.#ownLength, headDim];
    const size = shape.reduce((product, dim) => product * dim, 1);
    const caches = this.#own.flatMap((pair, layer) =>
      ownCaches(layer).map((name, i) => [name, f32(shape, pair[i]!.subarray(0, size))] as const),
    );
    return { ...Object.fromEntries(caches), ownMask: f32([this.#ownLength], this.#ownMask) };
  }

  /** Stores the new keys and values, [layers, rows, KV*hd], in every row's next slot. */
  #append(keys: Float32Array, values: Float32Array): void {
    const { kvHeads, headDim } = this.#running.model.dimensions;
    const heads = this.#rows * kvHeads;
    this.#own.forEach(([ownKeys, ownValues], layer) => {
      for (let at = 0; at < heads; at++) {
        const from = (layer * heads + at) * headDim;
        const to = (at * this.#ownLength + this.#filled) * headDim;
        for (let i = 0; i < headDim; i++) {
          ownKeys[to + i] = keys[from + i]!;
          ownValues[to + i] = values[from + i]!;
        }
      }
    });
    this.#ownMask[this.#filled++] = 0;
  }
}

/** Returns the prompts' part [Q, KV, P, hd] of prefilled caches [Q, KV, S, hd padded]. */
function promptFeeds(
  dimensions: Dimensions,
  outputs: Readonly<Record<string, HostTensor>>,
  prompts: number,
  length: number,
): Record<string, HostTensor> {
  const { layers, kvHeads, headDim } = dimensions;
  const names = Array.from({ length: layers }, (_, layer) => promptCaches(layer)).flat();
  const feeds = presentCaches(dimensions).map((present, i) => {
    const { data, shape } = outputs[present]!;
    const [, , slots, padded] = shape as [number, number, number, number];
    const kept = new Float32Array(prompts * kvHeads * length * headDim);
    for (let head = 0; head < prompts * kvHeads; head++) {
      for (let slot = 0; slot < length; slot++) {
        const from = (head * slots + slot) * padded;
        kept.set(data.subarray(from, from + headDim), (head * length + slot) * headDim);
      }
    }
    return [names[i]!, f32([prompts, kvHeads, length, headDim], kept)] as const;
  });
  return Object.fromEntries(feeds);
}
