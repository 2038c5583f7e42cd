/**
 * Shared-prefix forward for learning and scoring: Q prompts x G responses. A prompt is computed once; its G responses
 * attend to its keys and values and to their own. The result equals the plain forward on each prompt + response, with
 * a fraction of the rows.
 *
 * Rows of the program: Q*P prompt rows (left-padded), then Q*G*R response rows (right-padded). Each weight multiplies
 * all rows at once.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { f32, i32 } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';
import type {
  Architecture,
  Attention,
  Dimensions,
  EncodedPrompt,
  Feeds,
  ImageShape,
  Model,
  Tensors,
} from '../models/family.ts';
import { pick } from '../models/tensors.ts';
import { bucket, emptyRows, imageFeeds, imageSpecs, placePrompts, promptMask } from './batch.ts';
import { causal, causalAttention } from './forward.ts';
import { embedRows, groupHeads, ungroupHeads } from './layers.ts';

export interface PolicyShape {
  /** Q */
  readonly prompts: number;
  /** G */
  readonly samples: number;
  /** P */
  readonly promptLength: number;
  /** R */
  readonly responseLength: number;
  readonly vision?: ImageShape;
}

/**
 * `responses[q][g]` are token ids; every prompt has the same number of responses. Lengths that are not given are
 * rounded up to buckets.
 * @throws RangeError when a given length is too short.
 */
export function planPolicy(
  model: Architecture,
  prompts: readonly EncodedPrompt[],
  responses: readonly (readonly (readonly number[])[])[],
  options: { readonly promptLength?: number; readonly responseLength?: number } = {},
): { readonly shape: PolicyShape; readonly feeds: Feeds } {
  const samples = responses[0]?.length ?? 0;
  if (responses.length !== prompts.length || responses.some((group) => group.length !== samples)) {
    throw new RangeError(`${prompts.length} prompts need as many groups of equally many responses`);
  }
  const promptLength = options.promptLength ?? bucket(Math.max(...prompts.map((prompt) => prompt.ids.length)));
  const responseLength =
    options.responseLength ?? bucket(Math.max(...responses.flat().map((response) => response.length)));
  const promptRows = prompts.length * promptLength;
  const rows = emptyRows(model, promptRows + prompts.length * samples * responseLength);
  placePrompts(rows, prompts, promptLength, 'left');
  const mask = new Float32Array(rows.ids.length - promptRows);
  responses.flat().forEach((response, sample) => {
    if (response.length > responseLength)
      throw new RangeError(`response ${sample} has ${response.length} tokens, the program holds ${responseLength}`);
    const first = prompts[Math.floor(sample / samples)]!.nextPosition;
    response.forEach((id, t) => {
      const row = sample * responseLength + t;
      mask[row] = 1;
      rows.ids[promptRows + row] = id;
      for (let axis = 0; axis < model.positions.axes; axis++)
        rows.positions[axis * rows.ids.length + promptRows + row] = first + t;
    });
  });
  const images = imageFeeds(model, prompts, rows.ids.length, promptLength, 'left');
  const responseShape = [prompts.length * samples, responseLength];
  return {
    shape: {
      prompts: prompts.length,
      samples,
      promptLength,
      responseLength,
      ...(images.shape && { vision: images.shape }),
    },
    feeds: {
      promptIds: i32([prompts.length, promptLength], rows.ids.slice(0, promptRows)),
      responseIds: i32(responseShape, rows.ids.slice(promptRows)),
      responseMask: f32(responseShape, mask),
      promptMask: promptMask(prompts, promptLength, 'left'),
      ...model.positions.feeds(rows.positions),
      ...images.feeds,
    },
  };
}

/** Inputs other than the weights. */
export function policySpecs(model: Architecture, shape: PolicyShape): Specs {
  const { prompts, samples, promptLength, responseLength } = shape;
  const rows = prompts * (promptLength + samples * responseLength);
  const response = [prompts * samples, responseLength];
  return {
    promptIds: { dtype: 'int32', shape: [prompts, promptLength] },
    responseIds: { dtype: 'int32', shape: response },
    responseMask: { dtype: 'float32', shape: response },
    promptMask: { dtype: 'float32', shape: [prompts, 1, 1, promptLength] },
    ...model.positions.specs(rows),
    ...imageSpecs(shape.vision, rows),
  };
}

/** Encodes every static setting of the shape. */
export function policyName(shape: PolicyShape): string {
  return `${shape.prompts}x${shape.samples}:${shape.promptLength}+${shape.responseLength}:${shape.vision?.name ?? 'text'}`;
}

/**
 * Returns logits [Q*G*R, V]: row (q*G + g)*R + t predicts token t of response g of prompt q. Differentiable in every
 * weight.
 */
export function policyForward(model: Model, weights: Tensors, inputs: Tensors, shape: PolicyShape): Tensor {
  return model.head(weights, policyHidden(model, weights, inputs, shape));
}

/** Returns the final hidden states [Q*G*R, D] at the positions that predict the response tokens. */
export function policyHidden(model: Model, weights: Tensors, inputs: Tensors, shape: PolicyShape): Tensor {
  const { first, rest } = policySegments(model, weights, inputs, shape);
  return rest.reduce((rows, segment) => segment(rows), first());
}

/** A part of a forward pass, from rows to rows. */
export type Segment = (rows: Tensor) => Tensor;

/**
 * Splits `policyHidden` into segments: the embedding, each block, and the norm with the selection of the predicting
 * rows.
 */
export function policySegments(
  model: Model,
  weights: Tensors,
  inputs: Tensors,
  shape: PolicyShape,
): { readonly first: () => Tensor; readonly rest: readonly Segment[] } {
  const ids = tf.concat([tf.reshape(pick(inputs, 'promptIds'), [-1]), tf.reshape(pick(inputs, 'responseIds'), [-1])]);
  const attention = sharedPrefix(model.dimensions, shape, pick(inputs, 'promptMask'));
  const blocks = Array.from(
    { length: model.dimensions.layers },
    (_, layer): Segment =>
      (rows) =>
        model.block(weights, inputs, layer, rows, attention),
  );
  return {
    first: () => embedRows(model, weights, inputs, ids, shape.vision),
    rest: [...blocks, (rows) => predicting(model.norm(weights, rows), shape)],
  };
}

/** Selects from all rows [Q*P + Q*G*R, D] the rows that predict the response tokens, [Q*G*R, D]. */
function predicting(hidden: Tensor, { prompts, samples, promptLength, responseLength }: PolicyShape): Tensor {
  const width = hidden.shape[1]!;
  const [prompt, response] = splitRows(hidden, prompts * promptLength);
  // The prompt is left-padded: its last token predicts the first token of all its responses.
  const last = tf.slice(
    tf.reshape(prompt, [prompts, promptLength, width]),
    [0, promptLength - 1, 0],
    [prompts, 1, width],
  );
  const first = tf.reshape(tf.tile(last, [1, samples, 1]), [prompts * samples, 1, width]);
  if (responseLength === 1) return tf.reshape(first, [-1, width]);
  const others = tf.slice(
    tf.reshape(response, [prompts * samples, responseLength, width]),
    [0, 0, 0],
    [-1, responseLength - 1, width],
  );
  return tf.reshape(tf.concat([first, others], 1), [-1, width]);
}

function splitRows(rows: Tensor, count: number): [Tensor, Tensor] {
  return tf.split(rows, [count, rows.shape[0] - count], 0) as [Tensor, Tensor];
}

function sharedPrefix(dimensions: Dimensions, shape: PolicyShape, promptKeys: Tensor): Attention {
  const { prompts, samples, promptLength, responseLength } = shape;
  const responseCausal = causal(dimensions, responseLength, promptKeys);
  return (q, k, v) => {
    const [qPrompt, qResponse] = splitRows(q, prompts * promptLength);
    const [kPrompt, kResponse] = splitRows(k, prompts * promptLength);
    const [vPrompt, vResponse] = splitRows(v, prompts * promptLength);
    const promptOut = causalAttention(dimensions, prompts, promptKeys, qPrompt, kPrompt, vPrompt);
    const prefix = {
      k: groupHeads(kPrompt, dimensions, prompts),
      v: groupHeads(vPrompt, dimensions, prompts),
      mask: promptKeys,
    };
    const own = {
      k: groupHeads(kResponse, dimensions, prompts),
      v: groupHeads(vResponse, dimensions, prompts),
      mask: responseCausal,
    };
    const grouped = groupHeads(qResponse, dimensions, prompts);
    const responseOut = attendTwice(grouped, prefix, own, [prompts, dimensions.kvHeads, samples, responseLength]);
    return tf.concat([promptOut, ungroupHeads(responseOut, dimensions, prompts)], 0);
  };
}

interface Keys {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor;
}

/**
 * Computes one softmax over two sets of keys. q [Q*KV, G*R*rep, hd]; the prefix's keys [Q*KV, P, hd] serve all G
 * responses at once; each response's own keys [Q*KV, G*R, hd] serve only that response. Rows are ordered (response,
 * token, head of the group), so both products are plain views of q.
 */
function attendTwice(
  q: Tensor,
  prefix: Keys,
  own: Keys,
  [prompts, kvHeads, samples, length]: readonly [number, number, number, number],
): Tensor {
  const [groups, rows, size] = q.shape as [number, number, number];
  const promptLength = prefix.k.shape[1]!;
  const perResponse = (t: Tensor) => tf.reshape(t, [groups * samples, -1, size]);
  const toPrefix = tf.add(
    tf.reshape(tf.matMul(q, prefix.k, false, true), [prompts, kvHeads, rows, promptLength]),
    prefix.mask,
  );
  const toOwn = tf.add(tf.matMul(perResponse(q), perResponse(own.k), false, true), own.mask);
  const scores = tf.concat(
    [tf.reshape(toPrefix, [groups, rows, promptLength]), tf.reshape(toOwn, [groups, rows, length])],
    2,
  );
  const weights = tf.softmax(scores);
  const [onPrefix, onOwn] = tf.split(weights, [promptLength, length], 2) as [Tensor, Tensor];
  const fromOwn = tf.matMul(tf.reshape(onOwn, [groups * samples, -1, length]), perResponse(own.v));
  return tf.add(tf.matMul(onPrefix, prefix.v), tf.reshape(fromOwn, q.shape));
}
