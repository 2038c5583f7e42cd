/** Accuracy of answers against labels. */
import { mean } from '../lib/mean.ts';
import type { Accuracy } from '../protocol/messages.ts';
import type { AnswerReply } from './worker.ts';

/**
 * @param greedy one answer per question @param sampled k answers per question, in the same order; empty to measure
 * only greedy answers
 */
export function accuracyOf(greedy: AnswerReply, sampled: AnswerReply = []): Accuracy {
  const byKind: Record<string, { n: number; greedy: number }> = {};
  for (const { kind, label, answers } of greedy) {
    const entry = (byKind[kind] ??= { n: 0, greedy: 0 });
    entry.n++;
    if (answers[0] === label) entry.greedy++;
  }
  for (const entry of Object.values(byKind)) entry.greedy /= entry.n;
  return {
    n: greedy.length,
    k: sampled[0]?.answers.length ?? 0,
    greedy: mean(greedy.map(({ answers, label }) => Number(answers[0] === label))),
    pass1: mean(
      sampled.map(({ answers, label }) => answers.filter((answer) => answer === label).length / answers.length),
    ),
    majK: mean(sampled.map(({ answers, label }) => Number(majority(answers) === label))),
    passK: mean(sampled.map(({ answers, label }) => Number(answers.includes(label)))),
    byKind,
    ...byLevel(greedy),
  };
}

function byLevel(greedy: AnswerReply): Pick<Accuracy, 'levels'> {
  const levels = [...new Set(greedy.flatMap(({ level }) => level ?? []))].toSorted((a, b) => a - b);
  if (levels.length === 0) return {};
  return {
    levels: Object.fromEntries(levels.map((each) => [each, shareRight(greedy, ({ level }) => level === each)])),
  };
}

/** Greedy accuracy of the chosen questions. */
export function shareRight(greedy: AnswerReply, chosen: (reply: AnswerReply[number]) => boolean): number {
  return mean(greedy.filter(chosen).map(({ answers, label }) => Number(answers[0] === label)));
}

/** Returns the most frequent answer; among tied answers the first wins. A response without a box has no vote. */
function majority(answers: readonly (string | null)[]): string | null {
  const votes = new Map<string, number>();
  for (const answer of answers) if (answer !== null) votes.set(answer, (votes.get(answer) ?? 0) + 1);
  let winner: string | null = null;
  for (const [answer, count] of votes) if (winner === null || count > (votes.get(winner) ?? 0)) winner = answer;
  return winner;
}
