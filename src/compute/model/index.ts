/**
 * Qwen2.5-VL as TF.js programs. Every part is a pair: host-side planning (plain arrays -> HostTensor feeds and a static shape) and a
 * pure builder over tf tensors, so that a program is `{name, inputs: specs, build}` of engine.ts and its feeds come from the same plan.
 *
 * Symbols: Q prompts, G responses a prompt, P prompt tokens (bucket), R response tokens (bucket), D hidden, V vocabulary, N patches,
 * H heads, KV key/value heads, hd head size, S cache slots.
 *
 * Weights are program inputs under their hub state-dict names; all other inputs have the short names below.
 *
 * - weights.ts         `weightSpecs(config): Specs` names and shapes of every parameter. All programs take all of them, so that
 *                      `{...weights, ...feeds}` feeds any.
 * - prompt.ts          `encodePrompt(model, {text, pictures}): Promise<EncodedPrompt>`: ids [n], positions [3 x n], nextPosition, images. A trainer
 *                      and a generator share it.
 * - policy-forward.ts  `planPolicy(config, prompts, responses, {promptLength?, responseLength?}): {shape, feeds}`: `responses[q][g]` are token ids.
 *                      `policySpecs(config, shape): Specs` (without the weights), `policyName(shape)` for the program's name.
 *                      `policyForward(weights, inputs, config, shape): Tensor` -> logits [Q*G*R, V]; row (q*G + g)*R + t predicts token t of
 *                      response g of prompt q. Among its feeds: `responseIds` [Q*G, R] int32 (targets, padded with 0) and
 *                      `responseMask` [Q*G, R] float32, 1 at real tokens. Gradients flow to every weight, the vision tower's included.
 * - prefill.ts         `planPrefill(config, prompts, {samples, newTokens, promptLength?}): {shape, feeds, lengths, nextPositions}`,
 *                      `prefillProgram(config, shape): ProgramSpec`; outputs `logits` [Q, V] and `present_key.i` / `present_value.i`
 *                      [Q*samples, KV, S, cacheHeadDim] (row q*samples + g).
 * - decode.ts          `decodeProgram(config, {rows, cacheLength}): ProgramSpec`; inputs weights, `tokens` [rows] int32, `cos`/`sin`
 *                      [rows, hd / 2], `lengths` [rows] int32 (slot the new token is written at = tokens cached so far), `past_key.i` /
 *                      `past_value.i` (as the prefill's presents); outputs `logits` [rows, V] and `present_*.i`, in place of `past_*.i`.
 *                      `decodeFeeds(config, {tokens, positions, lengths})` makes the four small ones; a row's position is
 *                      prompt.nextPosition + tokens generated before, its length prompt length + tokens generated before.
 * - forward.ts         `planForward` / `forwardProgram`: all logits [B, T, V] of left- or right-padded sequences; what the others are tested against.
 */
export { bucket, type EncodedPrompt } from './batch.ts';
export { cacheHeadDim } from './decoder.ts';
export { decodeFeeds, decodeProgram, type DecodeShape, type DecodeStep } from './decode.ts';
export { forwardProgram, planForward, type ForwardShape } from './forward.ts';
export { planPolicy, policyForward, policyHidden, policyName, policySpecs, type PolicyShape } from './policy-forward.ts';
export { planPrefill, prefillProgram, type PrefillPlan, type PrefillShape } from './prefill.ts';
export { weightSpecs } from './weights.ts';
