/** Log-probabilities of given responses: of rollouts under the frozen base, and under the proximal policy where groups are stale. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec } from './engine.ts';
import type { RunningModel } from './decoding.ts';
import type { ModelConfig } from './hf/config.ts';
import { bucket, type EncodedPrompt } from './model/batch.ts';
import { planPolicy, policyName, policySpecs, type PolicyShape } from './model/policy-forward.ts';
import { weightSpecs } from './model/weights.ts';
import { responseLogProbs, targetIds } from './train-programs.ts';

/** A prompt and its G responses; all groups of a call have the same G. */
export interface ScoreGroup {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly (readonly number[])[];
}

export interface ScoreOptions {
  /** The distribution's: what the responses were sampled at. */
  readonly temperature: number;
  /** Groups in one forward pass. */
  readonly microBatchGroups: number;
}

const LENGTH_BUCKET = 16;

/** log pi(token) of every token, `[group][response][token]`. */
export async function score(model: RunningModel, groups: readonly ScoreGroup[], options: ScoreOptions): Promise<number[][][]> {
  const { microBatchGroups: size, temperature } = options;
  const scored: number[][][] = [];
  // Responses are padded to the longest of their pass, so those of like length go together.
  const order = groups.map((_, at) => at).toSorted((a, b) => longest([groups[a]!]) - longest([groups[b]!]));
  for (let start = 0; start < order.length; start += size) {
    const part = order.slice(start, start + size);
    const passed = await scoreBatch(
      model,
      filled(
        part.map((at) => groups[at]!),
        size,
      ),
      temperature,
    );
    part.forEach((at, i) => (scored[at] = passed[i]!));
  }
  return scored;
}

function longest(groups: readonly ScoreGroup[]): number {
  return Math.max(...groups.flatMap(({ responses }) => responses.map((tokens) => tokens.length)));
}

/** `groups`, and then as many without a token as make `size`: one program serves calls of all sizes. */
function filled(groups: readonly ScoreGroup[], size: number): readonly ScoreGroup[] {
  const { prompt, responses } = groups[0]!;
  const empty = { prompt, responses: responses.map(() => []) };
  return [...groups, ...Array.from({ length: size - groups.length }, () => empty)];
}

async function scoreBatch({ engine, config, weights }: RunningModel, groups: readonly ScoreGroup[], temperature: number): Promise<number[][][]> {
  const responses = groups.map((group) => group.responses);
  const { shape, feeds } = planPolicy(
    config,
    groups.map((group) => group.prompt),
    responses,
    // Coarser than the usual bucket: every length is a program more in memory.
    {
      promptLength: bucket(Math.max(...groups.map(({ prompt }) => prompt.ids.length)), LENGTH_BUCKET),
      responseLength: bucket(longest(groups), LENGTH_BUCKET),
    },
  );
  const program = await engine.compile(scoreProgram(config, shape, temperature));
  const outputs = await program.run({ ...weights, ...feeds });
  const { data } = await engine.read(outputs['logProbs']!);
  return responses.map((group, q) =>
    group.map((tokens, g) => {
      const start = (q * shape.samples + g) * shape.responseLength;
      return Array.from(data.subarray(start, start + tokens.length));
    }),
  );
}

/** Output `logProbs` [Q*G, R]; what stands at padding means nothing. */
function scoreProgram(config: ModelConfig, shape: PolicyShape, temperature: number): ProgramSpec {
  return {
    name: `score:${policyName(shape)}:${temperature}`,
    inputs: { ...weightSpecs(config), ...policySpecs(config, shape) },
    build: (inputs): Record<string, Tensor> => ({ logProbs: responseLogProbs(inputs, targetIds(inputs), config, shape, temperature).logProbs }),
  };
}
