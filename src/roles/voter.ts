/**
 * The voter: the vote of a group's answers by equivalence class, with rewards, advantages and whether the group is
 * kept.
 */
import type { Config } from '../config/schema.ts';
import { judge, type Classifier, type JudgeOptions } from '../learn/judge.ts';
import type { RolloutGroup, Verdict } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Judge } from '../protocol/ports.ts';

export function voter(grader: Classifier, filters: Config['filters']): Judge {
  const options = judgeOptions(filters);
  return (group) => judge(group, grader, options);
}

export function judgeOptions(filters: Config['filters']): JudgeOptions {
  return { normaliseStd: true, ...filters };
}

/** The grader has a deadline for each pair of answers; this one catches a voter that misses it. */
export function judging(group: RolloutGroup, { judgeSeconds }: Config['timeouts']): Call<Judge, Verdict> {
  return {
    doing: `judging the answers to ${group.question.id}`,
    seconds: judgeSeconds * group.samples.length + 1,
    run: (port, signal) => port(group, signal),
  };
}
