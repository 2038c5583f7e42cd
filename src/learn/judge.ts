/**
 * The voter's one function: RolloutGroup -> Verdict. Extract, class by equivalence, take the votes that checks deny,
 * vote, reward, advantage, filter.
 */
import type { Checked, RolloutGroup, Verdict } from '../protocol/messages.ts';
import { groupAdvantages, type AdvantageOptions } from './advantage.ts';
import { extractAnswer } from './answer.ts';
import { dropReason, type FilterOptions } from './filters.ts';
import { checkedClasses, majorityVote, NO_ANSWER } from './vote.ts';

/** Sorts answers into equivalence classes; grader.ts implements it with a deadline. */
export interface Classifier {
  /** Class of each answer, 0-based in order of first appearance; -1 for null. */
  classify(answers: readonly (string | null)[]): Promise<readonly number[]>;
}

export type JudgeOptions = AdvantageOptions & FilterOptions;

/**
 * Reward of each response of a group; default: 1 for a vote for the winner (vote.ts). The vote is reported in any case.
 */
export type Reward = (
  group: RolloutGroup,
  answers: readonly (string | null)[],
) => Promise<readonly number[]> | readonly number[];

export async function judge(
  group: RolloutGroup,
  grader: Classifier,
  options: JudgeOptions,
  reward?: Reward,
): Promise<Verdict> {
  const answers = group.samples.map((sample) => extractAnswer(sample.text));
  const classes = await grader.classify(answers);
  return verdictOf(group.id, answers, classes, options, await reward?.(group, answers), group.checks);
}

/** The pure part after grading. @param graded class of each answer. */
export function verdictOf(
  groupId: string,
  answers: readonly (string | null)[],
  graded: readonly number[],
  options: JudgeOptions,
  rewarded?: readonly number[],
  checks?: readonly Checked[],
): Verdict {
  if (answers.length !== graded.length)
    throw new RangeError(`group ${groupId}: ${graded.length} classes for ${answers.length} answers`);
  if (answers.some((answer, i) => (answer === null) !== (graded[i] === NO_ANSWER))) {
    throw new RangeError(`group ${groupId}: a class for a response without an answer, or the reverse`);
  }
  const { classes, lost } = checkedClasses(graded, checks);
  const vote = majorityVote(classes, graded);
  const rewards = rewarded ?? vote.rewards;
  if (rewards.length !== answers.length)
    throw new RangeError(`group ${groupId}: ${rewards.length} rewards for ${answers.length} responses`);
  const advantages = groupAdvantages(rewards, options);
  const dropped = dropReason(vote, advantages, options);
  return {
    groupId,
    answers,
    classes,
    winner: vote.winner,
    share: vote.share,
    rewards,
    advantages,
    kept: dropped === undefined,
    ...(dropped === undefined ? {} : { dropped }),
    ...(lost && { lost }),
  };
}

/** Rewards and advantages of a group that replace those of its vote. */
export interface Revision {
  readonly rewards: readonly number[];
  /** Default: GRPO's. */
  readonly advantages?: readonly number[] | undefined;
  /** The rewards come from a rule that knows the truth. */
  readonly verified?: boolean | undefined;
}

/** The same vote with other rewards; the filters decide again whether the group is kept. */
export function revised(verdict: Verdict, { rewards, advantages, verified }: Revision, options: JudgeOptions): Verdict {
  const { dropped: _dropped, ...rest } = verdict;
  const revisedAdvantages = advantages ?? groupAdvantages(rewards, options);
  const dropped = dropReason(
    majorityVote(verdict.classes, verdict.lost?.classes),
    revisedAdvantages,
    options,
    verified,
  );
  return {
    ...rest,
    rewards,
    advantages: revisedAdvantages,
    kept: dropped === undefined,
    ...(dropped === undefined ? {} : { dropped }),
  };
}
