/** The voter's one function: RolloutGroup -> Verdict. Extract, class by equivalence, vote, reward, advantage, filter. */
import type { RolloutGroup, Verdict } from '../protocol/messages.ts';
import { groupAdvantages, type AdvantageOptions } from './advantage.ts';
import { extractAnswer } from './answer.ts';
import { dropReason, type FilterOptions } from './filters.ts';
import { majorityVote, NO_ANSWER } from './vote.ts';

/** Sorts answers into equivalence classes; grader.ts has the one with a deadline. */
export interface Classifier {
  /** Class of each answer, 0-based in order of first appearance; -1 for null. */
  classify(answers: readonly (string | null)[]): Promise<readonly number[]>;
}

export type JudgeOptions = AdvantageOptions & FilterOptions;

export async function judge(group: RolloutGroup, grader: Classifier, options: JudgeOptions): Promise<Verdict> {
  const answers = group.samples.map((sample) => extractAnswer(sample.text));
  const classes = await grader.classify(answers);
  return verdictOf(group.id, answers, classes, options);
}

/** The part after grading, which is pure. */
export function verdictOf(groupId: string, answers: readonly (string | null)[], classes: readonly number[], options: JudgeOptions): Verdict {
  if (answers.length !== classes.length) throw new RangeError(`group ${groupId}: ${classes.length} classes for ${answers.length} answers`);
  if (answers.some((answer, i) => (answer === null) !== (classes[i] === NO_ANSWER))) {
    throw new RangeError(`group ${groupId}: a class for a response without an answer, or the reverse`);
  }
  const vote = majorityVote(classes);
  const dropped = dropReason(vote, options);
  return {
    groupId,
    answers,
    classes,
    winner: vote.winner,
    share: vote.share,
    rewards: vote.rewards,
    advantages: groupAdvantages(vote.rewards, options),
    kept: dropped === undefined,
    ...(dropped === undefined ? {} : { dropped }),
  };
}
