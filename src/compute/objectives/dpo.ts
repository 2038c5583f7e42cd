/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290) without a program of its own. With
 *
 *     m = (log pi(chosen) - log ref(chosen)) - (log pi(rejected) - log ref(rejected)),    loss = -log sigmoid(beta m)
 *
 * the gradient is that of a weighted cross-entropy (eq. 7): both responses have the weight beta * sigmoid(-beta m),
 * the rejected one with the minus sign. `imitation` adds - imitation * mean over the chosen response's tokens of log
 * pi (STIC's regulariser, arXiv 2405.19716), which keeps the policy from making both responses unlikely. This file
 * computes the weights, in plain numbers, from the policy before each update.
 */
import { z } from 'zod';
import { mean } from '../../lib/mean.ts';
import type { Verdict } from '../../protocol/messages.ts';
import { CROSS_ENTROPY } from '../training/token-loss.ts';
import type { TrainGroup, TrainResponse } from '../training/trainer.ts';
import { defineObjective, type Encoded, type Score } from './objective.ts';

const settings = z.strictObject({
  type: z.literal('dpo'),
  beta: z
    .number()
    .positive()
    .max(10)
    .default(0.1)
    .describe('How far a preference may move the policy from the base: a smaller value allows more.'),
  imitation: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe('Weight of the mean log-likelihood of the preferred response, which the policy then also imitates.'),
});

type Settings = z.output<typeof settings>;

/** A prompt with its chosen and its rejected response. */
interface Pair extends TrainGroup {
  readonly responses: readonly [chosen: TrainResponse, rejected: TrainResponse];
}

/** Log-probabilities of a pair's two responses. */
type PairScore = readonly [chosen: number, rejected: number];

export const dpo = defineObjective({
  name: 'dpo',
  summary: 'prefers the highest reward to the lowest',
  settings,
  loss: () => CROSS_ENTROPY,
  prepare: (encoded) => ({ groups: encoded.flatMap(pairOf) }),
  async revise(groups, step) {
    const { beta, imitation } = step.settings.objective;
    const pairs = groups as readonly Pair[];
    const reference = await pairScores(step.base, pairs);
    const policy = await pairScores(step.policy, pairs);
    const margins = policy.map(([chosen, rejected], i) => chosen - reference[i]![0] - (rejected - reference[i]![1]));
    const losses = margins.map((margin, i) => {
      const { length } = pairs[i]!.responses[0].tokens;
      return preferenceLoss(margin, beta) - (imitation * policy[i]![0]) / Math.max(1, length);
    });
    const loss = mean(losses);
    return { groups: weighted(pairs, margins, step.settings.objective), loss };
  },
});

/**
 * Returns the first response of the highest reward and the first of the lowest; undefined when all rewards are equal.
 */
export function preferred({
  rewards,
}: Pick<Verdict, 'rewards'>): { readonly chosen: number; readonly rejected: number } | undefined {
  const chosen = rewards.indexOf(Math.max(...rewards));
  const rejected = rewards.indexOf(Math.min(...rewards));
  return rewards[chosen] === rewards[rejected] ? undefined : { chosen, rejected };
}

/** -log sigmoid(beta m) */
export function preferenceLoss(margin: number, beta: number): number {
  return Math.log1p(Math.exp(-beta * margin));
}

/** - d loss / d m */
export function preferenceWeight(margin: number, beta: number): number {
  return beta / (1 + Math.exp(beta * margin));
}

function pairOf({ prompt, judged: { group, verdict } }: Encoded): Pair[] {
  const pair = preferred(verdict);
  if (pair === undefined) return [];
  const [chosen, rejected] = [group.samples[pair.chosen]!, group.samples[pair.rejected]!];
  return [{ prompt, responses: [{ tokens: chosen.tokens }, { tokens: rejected.tokens }] }];
}

/** Weights tokens so that the trainer's mean over tokens becomes a mean over pairs. */
function weighted(
  pairs: readonly Pair[],
  margins: readonly number[],
  { beta, imitation }: Omit<Settings, 'type'>,
): Pair[] {
  const tokens = pairs.reduce(
    (sum, { responses: [chosen, rejected] }) => sum + chosen.tokens.length + rejected.tokens.length,
    0,
  );
  const scale = tokens / pairs.length;
  return pairs.map(({ prompt, responses: [{ tokens: chosen }, { tokens: rejected }] }, i) => {
    const weight = preferenceWeight(margins[i]!, beta);
    const towards = weight + imitation / Math.max(1, chosen.length);
    return {
      prompt,
      responses: [
        { tokens: chosen, weights: chosen.map(() => scale * towards) },
        { tokens: rejected, weights: rejected.map(() => -scale * weight) },
      ],
    };
  });
}

/** Scores at temperature 1, because the preference compares the model's own distribution. */
async function pairScores(score: Score, pairs: readonly Pair[]): Promise<PairScore[]> {
  const groups = pairs.map(({ prompt, responses }) => ({ prompt, responses: responses.map(({ tokens }) => tokens) }));
  const total = (logprobs: readonly number[]): number => logprobs.reduce((sum, value) => sum + value, 0);
  return (await score(groups, 1)).map(([chosen, rejected]) => [total(chosen!), total(rejected!)]);
}
