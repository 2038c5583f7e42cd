/** Built-in voter: the vote of a group's answers by equivalence class, with rewards, advantages and whether the group is kept. */
import type { Config } from '../config/schema.ts';
import { judge, type Classifier, type JudgeOptions } from '../learn/judge.ts';
import type { Judge } from '../protocol/ports.ts';

export function voter(grader: Classifier, filters: Config['filters']): Judge {
  const options = judgeOptions(filters);
  return (group) => judge(group, grader, options);
}

export function judgeOptions(filters: Config['filters']): JudgeOptions {
  return { normaliseStd: true, ...filters };
}
