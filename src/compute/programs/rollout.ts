/**
 * A whole rollout as one program: prefill, then a loop of decoding steps that draw their tokens themselves. Caches
 * never leave the engine's device, and no step waits for the host.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { f32, i32 } from '../../protocol/tensor.ts';
import { loop } from '../compile/control.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { Architecture, EncodedPrompt, Feeds, Model, Tensors } from '../models/family.ts';
import { pick } from '../models/tensors.ts';
import { decodeStep } from './decode.ts';
import { drawTokens, type Drawn, type TokenParams } from './draw.ts';
import { planPrefill, prefill, prefillName, prefillSpecs, type PrefillShape } from './prefill.ts';

export interface RolloutShape extends PrefillShape {
  /** R, the most tokens of a response. */
  readonly newTokens: number;
  readonly stopTokens: number;
  readonly params: TokenParams;
}

export interface RolloutRequest {
  readonly prompts: readonly EncodedPrompt[];
  /** P */
  readonly promptLength: number;
  /** G */
  readonly samples: number;
  /** R */
  readonly newTokens: number;
  readonly params: TokenParams;
  /** A row ends at the first stop token. */
  readonly stopTokens: readonly number[];
  /** [R, Q*G] row-major, in [0, 1). */
  readonly uniforms: Float32Array;
}

/** Prefix of the inputs that place new tokens; the rest of the name is the family's. */
const PLACE = 'new.';

export function planRollout(
  model: Architecture,
  request: RolloutRequest,
): { readonly shape: RolloutShape; readonly feeds: Feeds } {
  const { prompts, samples, newTokens, params, uniforms } = request;
  // ONNX has no maximum over an empty tensor, and no token has the id -1.
  const stopTokens = request.stopTokens.length > 0 ? request.stopTokens : [-1];
  const { shape, feeds, lengths, nextPositions } = planPrefill(model, prompts, request);
  const rows = prompts.length * samples;
  const each = (values: readonly number[]) =>
    i32(
      [rows],
      Int32Array.from({ length: rows }, (_, row) => values[Math.floor(row / samples)]!),
    );
  // Row i of the table is position first + i: responses count up by 1, and prompts differ by less than they may be long.
  const first = Math.min(...nextPositions);
  if (Math.max(...nextPositions) - first + newTokens > shape.cacheLength)
    throw new RangeError(
      `prompts of at most ${shape.length} tokens end at positions ${first} to ${Math.max(...nextPositions)}, too far apart for one rollout`,
    );
  return {
    shape: { ...shape, newTokens, params, stopTokens: stopTokens.length },
    feeds: {
      ...feeds,
      ...placed(model.positions.feeds(table(model, first, shape.cacheLength))),
      starts: each(nextPositions.map((position) => position - first)),
      lengths: each(lengths),
      stopTokens: i32([stopTokens.length], stopTokens),
      uniforms: f32([newTokens, rows], uniforms),
    },
  };
}

/** Positions first, first + 1, ... of `length` tokens, [axes, length]. */
function table({ positions: { axes } }: Architecture, first: number, length: number): Int32Array {
  return Int32Array.from({ length: axes * length }, (_, i) => first + (i % length));
}

const placed = <T>(named: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(named).map(([name, value]) => [PLACE + name, value]));

function rolloutSpecs(model: Architecture, shape: RolloutShape): Specs {
  const rows = shape.batch * shape.samples;
  return {
    ...prefillSpecs(model, shape),
    ...placed(model.positions.specs(shape.cacheLength)),
    starts: { dtype: 'int32', shape: [rows] },
    lengths: { dtype: 'int32', shape: [rows] },
    stopTokens: { dtype: 'int32', shape: [shape.stopTokens] },
    uniforms: { dtype: 'float32', shape: [shape.newTokens, rows] },
  };
}

/** Outputs `tokens` and `logprobs`, [R, Q*G] each; values after a row's stop token are unspecified. */
export function rolloutProgram(model: Model, shape: RolloutShape): ProgramSpec {
  const { newTokens, params } = shape;
  const settings = `${newTokens}:${params.temperature}:${params.topP}:${params.topK}`;
  return {
    name: `rollout:${prefillName(shape)}:${settings}`,
    inputs: { ...model.parameters, ...rolloutSpecs(model, shape) },
    build: (inputs) => rollout(model, inputs, shape),
  };
}

function rollout(model: Model, inputs: Tensors, shape: RolloutShape): Record<keyof Drawn, Tensor> {
  const { batch, samples, newTokens, cacheLength, params } = shape;
  const rows = batch * samples;
  const draw = (logits: Tensor, position: Tensor): Drawn =>
    drawTokens(logits, tf.gather(pick(inputs, 'uniforms'), position), params);

  const { logits, ...presents } = prefill(model, inputs, shape);
  const first = draw(tf.gather(logits as Tensor2D, prompts(shape)), tf.scalar(0, 'int32'));
  if (newTokens === 1) return { tokens: tf.expandDims(first.tokens, 0), logprobs: tf.expandDims(first.logprobs, 0) };
  const ended = stops(inputs, first.tokens);
  const { scanned } = loop(
    newTokens - 1,
    { going: anyOpen(ended), carried: { tokens: first.tokens, ended, ...asPast(presents) } },
    (step, { ended: endedBefore, ...carried }) => {
      const decoded = decodeStep(
        model,
        {
          ...inputs,
          ...placeOf(model, inputs, tf.add(pick(inputs, 'starts'), step), cacheLength),
          ...carried,
          lengths: tf.add(pick(inputs, 'lengths'), step),
        },
        { rows, cacheLength },
      );
      const { logits: next, ...kept } = decoded;
      const drawn = draw(next!, tf.add(step, tf.scalar(1, 'int32')));
      const nowEnded = tf.logicalOr(endedBefore!, stops(inputs, drawn.tokens));
      return {
        going: anyOpen(nowEnded),
        carried: { tokens: drawn.tokens, ended: nowEnded, ...asPast(kept) },
        scanned: { ...drawn },
      };
    },
  );
  const all = (name: keyof Drawn): Tensor => tf.concat([tf.expandDims(first[name], 0), pick(scanned, name)], 0);
  return { tokens: all('tokens'), logprobs: all('logprobs') };
}

/** Returns the prompt of each row, [Q*G]. */
function prompts({ batch, samples }: RolloutShape): Tensor1D {
  return tf.tensor1d(
    Int32Array.from({ length: batch * samples }, (_, row) => Math.floor(row / samples)),
    'int32',
  );
}

function asPast(presents: Tensors): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(presents).map(([name, cache]) => [name.replace('present', 'past'), cache]));
}

/** Returns the family's inputs for new tokens at `rows` [B] of the table. */
function placeOf(model: Architecture, inputs: Tensors, rows: Tensor, length: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.keys(model.positions.specs(length)).map((name) => [
      name,
      tf.gather(pick(inputs, PLACE + name), rows as Tensor1D),
    ]),
  );
}

/** Whether each token [B] ends its row. */
function stops(inputs: Tensors, tokens: Tensor): Tensor {
  return tf.any(tf.equal(tf.expandDims(tokens, 1), tf.expandDims(pick(inputs, 'stopTokens'), 0)), 1);
}

const anyOpen = (ended: Tensor): Tensor => tf.logicalNot(tf.all(ended));
