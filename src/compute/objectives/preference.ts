/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290) without a program of its own. With
 *
 *     m = (log pi(chosen) - log ref(chosen)) - (log pi(rejected) - log ref(rejected)),    loss = -log sigmoid(beta m)
 *
 * the gradient is that of a weighted cross-entropy (eq. 7): both responses have the weight beta * sigmoid(-beta m), the rejected one with the
 * minus sign. `imitation` adds - imitation * mean over the chosen response's tokens of log pi (STIC's regulariser, arXiv 2405.19716), which keeps
 * the policy from making both responses unlikely. The weights are worked out here, in plain numbers, from the policy as it is before each update.
 */
import type { Verdict } from '../../protocol/messages.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import { minibatches, type Encoded, type Learner, type PreferenceObjective, type Step } from './learner.ts';
import type { EncodedPrompt } from '../programs/batch.ts';
import { score } from '../training/score.ts';
import type { StepOutcome, TrainGroup } from '../training/trainer.ts';

interface Pair {
  readonly prompt: EncodedPrompt;
  /** Tokens of the chosen and of the rejected response. */
  readonly responses: readonly [chosen: readonly number[], rejected: readonly number[]];
}

/** Log-probabilities of a pair's two responses. */
type PairScore = readonly [chosen: number, rejected: number];

export async function prefer(learner: Learner, encoded: readonly Encoded[], { settings, learningRate }: Step<'dpo'>): Promise<StepOutcome[]> {
  const { beta, imitation } = settings.objective;
  const pairs = encoded.flatMap(pairOf);
  const { microBatchGroups } = settings;
  const base = await learner.base();
  const outcomes: StepOutcome[] = [];
  for (const part of minibatches(pairs, settings.minibatches)) {
    const reference = await pairScores(base, part, microBatchGroups);
    const policy = await pairScores(learner.model, part, microBatchGroups);
    const margins = policy.map(([chosen, rejected], i) => chosen - reference[i]![0] - (rejected - reference[i]![1]));
    const outcome = await learner.trainer.step(weighted(part, margins, { beta, imitation }), { objective: { type: 'sft' }, learningRate });
    const losses = margins.map((margin, i) => preferenceLoss(margin, beta) - (imitation * policy[i]![0]) / Math.max(1, part[i]!.responses[0].length));
    outcomes.push({ ...outcome, loss: losses.reduce((sum, loss) => sum + loss, 0) / part.length });
  }
  return outcomes;
}

/** The first response of the highest reward and the first of the lowest; none where all rewards are the same. */
export function preferred({ rewards }: Pick<Verdict, 'rewards'>): { readonly chosen: number; readonly rejected: number } | undefined {
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
  const [chosen, rejected] = [group.samples[pair.chosen]!.tokens, group.samples[pair.rejected]!.tokens];
  return chosen.length + rejected.length === 0 ? [] : [{ prompt, responses: [chosen, rejected] }];
}

/** A mean over pairs, where the trainer takes means over tokens. */
function weighted(pairs: readonly Pair[], margins: readonly number[], { beta, imitation }: Omit<PreferenceObjective, 'type'>): TrainGroup[] {
  const tokens = pairs.reduce((sum, { responses: [chosen, rejected] }) => sum + chosen.length + rejected.length, 0);
  return pairs.map(({ prompt, responses: [chosen, rejected] }, i) => {
    const scale = tokens / pairs.length;
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

/** At temperature 1: the preference is about the model's own distribution. */
async function pairScores(model: RunningModel, pairs: readonly Pair[], microBatchGroups: number): Promise<PairScore[]> {
  const scores = await score(model, pairs, { temperature: 1, microBatchGroups });
  const total = (logprobs: readonly number[]): number => logprobs.reduce((sum, value) => sum + value, 0);
  return scores.map(([chosen, rejected]) => [total(chosen!), total(rejected!)]);
}
