/**
 * Scores log-probabilities of given responses: of rollouts under the frozen base, and of stale groups under the
 * proximal policy.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec } from '../engine/engine.ts';
import { stage } from '../engine/native.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import type { EncodedPrompt, Model } from '../models/family.ts';
import { planPolicy, policyName, policySpecs, type PolicyShape } from '../programs/policy-forward.ts';
import { FittingPasses, warn, type Note } from './out-of-memory.ts';
import type { Pass, PassLimit } from './passes.ts';
import { ALONE, type Ranks } from './ranks.ts';
import { responseLogProbs, targetIds } from './loss-gradients.ts';

/** A prompt and its G responses; all groups of a call have the same G. */
export interface ScoreGroup {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly (readonly number[])[];
}

/** Scores in passes of bounded size, and keeps to smaller ones once a pass has found no memory. */
export class Scorer {
  readonly #fitting: FittingPasses<readonly number[]>;

  /** @param note default: `warn` */
  constructor(limit: PassLimit, note: Note = warn) {
    const lengthOf = (tokens: readonly number[]): number => tokens.length;
    this.#fitting = new FittingPasses<readonly number[]>({ limit, lengthOf, none: [], words: smallerPasses, note });
  }

  /**
   * Returns log pi(token) of every token, `[group][response][token]`.
   * @param temperature that at which the responses were sampled
   */
  async score(
    running: RunningModel,
    groups: readonly ScoreGroup[],
    temperature: number,
    ranks: Ranks = ALONE,
  ): Promise<number[][][]> {
    const work = async (own: readonly Pass<readonly number[]>[]): Promise<Scored[]> => {
      const scored: Scored[] = [];
      for (const [i, pass] of own.entries()) {
        stage('scoring pass', i + 1, own.length);
        const logProbs = await scorePass(running, pass, temperature);
        scored.push(...pass.members.map((member, i) => ({ ...member, logProbs: logProbs[i]! })));
        ranks.progress();
      }
      return scored;
    };
    const found = groups.map(({ responses }) => responses.map((): number[] => []));
    for (const { at, from, logProbs } of ranks.gather(await this.#fitting.run(groups, work, ranks)).flat()) {
      const { length } = groups[at]!.responses;
      logProbs.slice(0, length - from).forEach((each, g) => (found[at]![from + g] = each));
    }
    return found;
  }
}

/** Log-probabilities of some of a group's responses. */
interface Scored {
  readonly at: number;
  readonly from: number;
  readonly logProbs: readonly number[][];
}

function smallerPasses(tokens: number, smaller: number): string {
  return `no memory to score ${tokens} tokens at once: they are scored again, at most ${smaller} at once, as all others from now on`;
}

async function scorePass(
  { engine, model, weights }: RunningModel,
  pass: Pass<readonly number[]>,
  temperature: number,
): Promise<number[][][]> {
  const responses = pass.groups.map((group) => group.responses);
  const prompts = pass.groups.map((group) => group.prompt);
  const { shape, feeds } = planPolicy(model, prompts, responses, pass);
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
export function scoreProgram(model: Model, shape: PolicyShape, temperature: number): ProgramSpec {
  return {
    name: `score:${policyName(shape)}:${temperature}`,
    inputs: { ...model.parameters, ...policySpecs(model, shape) },
    build: (inputs): Record<string, Tensor> => ({
      logProbs: responseLogProbs(model, inputs, targetIds(inputs), shape, temperature).logProbs,
    }),
  };
}
