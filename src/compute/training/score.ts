/**
 * Scores log-probabilities of given responses: of rollouts under the frozen base, and of stale groups under the
 * proximal policy.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec } from '../engine/engine.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import type { EncodedPrompt, Model } from '../models/family.ts';
import { planPolicy, policyName, policySpecs, type PolicyShape } from '../programs/policy-forward.ts';
import { filled, inPasses, paddedLengths } from './passes.ts';
import { responseLogProbs, targetIds } from './loss-gradients.ts';

/** A prompt and its G responses; all groups of a call have the same G. */
export interface ScoreGroup {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly (readonly number[])[];
}

export interface ScoreOptions {
  /** The temperature at which the responses were sampled. */
  readonly temperature: number;
  /** Groups in one forward pass. */
  readonly microBatchGroups: number;
}

/** Returns log pi(token) of every token, `[group][response][token]`. */
export async function score(
  running: RunningModel,
  groups: readonly ScoreGroup[],
  options: ScoreOptions,
): Promise<number[][][]> {
  const { microBatchGroups: size, temperature } = options;
  const scored: number[][][] = [];
  for (const pass of inPasses(groups, size, (tokens) => tokens.length)) {
    const members = pass.map((at) => groups[at]!);
    const passed = await scoreBatch(running, filled(members, size, []), temperature);
    pass.forEach((at, i) => (scored[at] = passed[i]!));
  }
  return scored;
}

async function scoreBatch(
  { engine, model, weights }: RunningModel,
  groups: readonly ScoreGroup[],
  temperature: number,
): Promise<number[][][]> {
  const responses = groups.map((group) => group.responses);
  const prompts = groups.map((group) => group.prompt);
  const { shape, feeds } = planPolicy(model, prompts, responses, paddedLengths(prompts, responses));
  const program = await engine.compile(scoreProgram(model, shape, temperature));
  const outputs = await program.run({ ...weights, ...feeds });
  const { data } = await engine.read(outputs['logProbs']!);
  return responses.map((group, q) =>
    group.map((tokens, g) => {
      const start = (q * shape.samples + g) * shape.responseLength;
      const logProbs = Array.from(data.subarray(start, start + tokens.length));
      if (!logProbs.every(Number.isFinite))
        throw new RangeError("a log-probability is not finite: the model's output is not");
      return logProbs;
    }),
  );
}

/** Output `logProbs` [Q*G, R]; values at padding are unspecified. */
function scoreProgram(model: Model, shape: PolicyShape, temperature: number): ProgramSpec {
  return {
    name: `score:${policyName(shape)}:${temperature}`,
    inputs: { ...model.parameters, ...policySpecs(model, shape) },
    build: (inputs): Record<string, Tensor> => ({
      logProbs: responseLogProbs(model, inputs, targetIds(inputs), shape, temperature).logProbs,
    }),
  };
}
