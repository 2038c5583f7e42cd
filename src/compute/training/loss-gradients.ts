/**
 * The part of a learner's program before the optimizer: log-probabilities of the response tokens, the loss, and its
 * gradients. The head runs in chunks of rows when all logits at once would be too large, so that no program holds
 * [rows, vocabulary] of a large vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tokenLogProb } from '../compile/operators.ts';
import type { Specs } from '../engine/engine.ts';
import type { Model } from '../models/family.ts';
import { policyHidden, policySegments, type PolicyShape, type Segment } from '../programs/policy-forward.ts';
import { Backward } from './backward.ts';
import type { Tensors } from './optimizer.ts';
import type { LossTensors, LossTerms, TokenLoss } from './token-loss.ts';

/** Prefix of the program inputs that hold a loss's values. */
export const VALUE = 'value.';
/** Program output: log pi of the response tokens before the update, [N, R]; unspecified at padding. */
export const LOG_PROBS = 'logProbs';

/** Settings with which a program saves memory. */
export interface Saving {
  /** Whether blocks run again in the backward pass, instead of keeping their intermediate results. Default false. */
  readonly recompute?: boolean;
  /** The most logits held at once, but at least one row's. Default 2^26, 256 MiB. */
  readonly logits?: number;
}

const LOGITS = 2 ** 26;

/** Encodes the settings for a program's name; empty when none is set. */
export function savingName(saving: Saving): string {
  return Object.keys(saving).length === 0 ? '' : `:${JSON.stringify(saving)}`;
}

/** Returns the rows [start, count] of each chunk: as few chunks as the bound allows, of similar size. */
function headChunks({ dimensions }: Model, shape: PolicyShape, { logits = LOGITS }: Saving): [number, number][] {
  const rows = shape.prompts * shape.samples * shape.responseLength;
  const count = Math.ceil(rows / Math.max(1, Math.floor(logits / dimensions.vocabSize)));
  const bound = (i: number): number => Math.round((i * rows) / count);
  return Array.from({ length: count }, (_, i) => [bound(i), bound(i + 1) - bound(i)]);
}

/** Slices `count` rows from `start`; returns the tensor itself when these are all rows. */
function rowsOf(tensor: Tensor, start: number, count: number): Tensor {
  if (count === tensor.shape[0]) return tensor;
  return tf.slice(tensor, [start, ...tensor.shape.slice(1).map(() => 0)], [count, ...tensor.shape.slice(1)]);
}

function joined(parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? parts[0]! : tf.concat([...parts], 0);
}

/**
 * Returns the response tokens as one list. Call it outside the differentiated function: the tape disposes of tensors
 * that it did not save.
 */
export function targetIds(inputs: Tensors): Tensor1D {
  return tf.reshape(inputs['responseIds']!, [-1]);
}

/** Returns log pi and entropy of the response tokens, [N, R], at the sampler's temperature. */
export function responseLogProbs(
  model: Model,
  inputs: Tensors,
  targets: Tensor1D,
  shape: PolicyShape,
  temperature: number,
  saving: Saving = {},
) {
  const hidden = policyHidden(model, inputs, inputs, shape);
  const parts = headChunks(model, shape, saving).map(([start, count]) =>
    headLogProbs(model, inputs, rowsOf(hidden, start, count), rowsOf(targets, start, count) as Tensor1D, temperature),
  );
  const grid = [shape.prompts * shape.samples, shape.responseLength];
  return {
    logProbs: tf.reshape(joined(parts.map(({ logProb }) => logProb)), grid),
    entropy: tf.reshape(joined(parts.map(({ entropy }) => entropy)), grid),
  };
}

/** Returns log pi and entropy, [m] each, of rows [m, D] that predict `targets` [m]. */
function headLogProbs(model: Model, weights: Tensors, rows: Tensor, targets: Tensor1D, temperature: number) {
  const logits = model.head(weights, rows) as Tensor2D;
  return tokenLogProb(temperature === 1 ? logits : tf.div(logits, temperature), targets);
}

interface Pass {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly trainable: Specs;
  readonly shape: PolicyShape;
  readonly loss: TokenLoss;
  readonly saving: Saving;
}

interface LossAndGradients {
  readonly terms: LossTerms;
  /** log pi of the response tokens, [N, R], before the update. */
  readonly logProbs: Tensor;
  /**
   * Keyed by the trainable weight; weights that the batch does not reach (the tower's, without a picture) get zeros.
   */
  readonly gradients: Tensors;
}

export function lossAndGradients(pass: Pass): LossAndGradients {
  const { model, inputs, trainable, shape, loss, saving } = pass;
  if (saving.recompute === true || headChunks(model, shape, saving).length > 1) return inSegments(pass);
  const names = Object.keys(trainable);
  const weights = names.map((name) => inputs[name]!);
  const targets = targetIds(inputs);
  const { terms, logProbs, grads } = lossGradients(
    pass,
    () => responseLogProbs(model, inputs, targets, shape, loss.temperature),
    weights,
  );
  return {
    terms,
    logProbs,
    gradients: Object.fromEntries(names.map((name, at) => [name, grads[at] ?? tf.zerosLike(weights[at]!)])),
  };
}

/**
 * Returns the terms of the loss, the log-probabilities, and the gradients to `xs`; null for tensors on which the loss
 * does not depend.
 */
function lossGradients(
  { inputs, loss }: Pass,
  logProbsOf: () => Pick<LossTensors, 'logProbs' | 'entropy'>,
  xs: Tensor[],
): { readonly terms: LossTerms; readonly logProbs: Tensor; readonly grads: readonly (Tensor | null)[] } {
  let kept: Record<string, Tensor> = {};
  const forward = (): Scalar => {
    const given = { weights: inputs['tokenWeights']!, mask: inputs['responseMask']!, values: under(VALUE, inputs) };
    const policy = logProbsOf();
    const { loss: total, ...metrics } = loss.build(tf, { ...policy, ...given });
    const tensors = Object.entries({ ...metrics, [LOG_PROBS]: policy.logProbs });
    kept = Object.fromEntries(tensors.map(([name, tensor]) => [name, tf.keep(tensor)]));
    return total;
  };
  const { value, grads } = tf.engine().gradients(forward, xs, undefined, true);
  const { [LOG_PROBS]: logProbs, ...metrics } = Object.fromEntries(
    Object.entries(kept).map(([name, tensor]) => [name, tf.clone(tensor)]),
  );
  Object.values(kept).forEach((tensor) => tensor.dispose());
  return { terms: { loss: value, ...metrics } as LossTerms, logProbs: logProbs!, grads };
}

/** Computes the same in segments: the head in chunks of rows, and with `recompute` each block separately. */
function inSegments(pass: Pass): LossAndGradients {
  const { model, inputs, trainable, shape, loss, saving } = pass;
  const weights = Object.fromEntries(Object.keys(trainable).map((name) => [name, inputs[name]!]));
  const { first, rest } = policySegments(model, inputs, inputs, shape);
  const rows = [first()];
  for (const segment of rest) rows.push(segment(rows.at(-1)!));
  const hidden = rows.pop()!;
  const targets = targetIds(inputs);
  const chunks = headChunks(model, shape, saving).map(([start, count]) => {
    const of = rowsOf(targets, start, count) as Tensor1D;
    const head = (part: Tensor) => headLogProbs(model, inputs, part, of, loss.temperature);
    return { head, part: rowsOf(hidden, start, count) };
  });
  const heads = chunks.map(({ head, part }) => head(part));
  const flat = [joined(heads.map(({ logProb }) => logProb)), joined(heads.map(({ entropy }) => entropy))];
  const grid = [shape.prompts * shape.samples, shape.responseLength];
  const views = () => ({ logProbs: tf.reshape(flat[0]!, grid), entropy: tf.reshape(flat[1]!, grid) });
  const { terms, logProbs, grads } = lossGradients(pass, views, flat);
  const wanted = grads.filter((gradient) => gradient instanceof tf.Tensor);
  const backward = new Backward(weights, wanted);
  let start = 0;
  const toParts = chunks.map(({ head, part }) => {
    const count = part.shape[0];
    const dy = joined(wanted.map((gradient) => rowsOf(gradient, start, count)));
    start += count;
    const segment: Segment = (x) => {
      const { logProb, entropy } = head(x);
      return joined([logProb, entropy].filter((_, i) => grads[i] instanceof tf.Tensor));
    };
    return backward.through(segment, part, dy, chunks.length > 1);
  });
  let gradient = joined(toParts);
  for (const segment of rest.toReversed())
    gradient = backward.through(segment, rows.pop()!, gradient, saving.recompute === true);
  backward.start(first, gradient);
  return { terms, logProbs, gradients: backward.gradients() };
}

/** Returns the tensors whose names have the prefix, under names without it. */
export function under(prefix: string, tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
