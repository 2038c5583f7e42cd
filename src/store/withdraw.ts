/**
 * Withdraws work in hand: a group whose question is gone is dropped and counted at every stage, and keeps its place in
 * the sequence.
 */
import type { JudgedGroup, Question, RolloutGroup, Verdict } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import type { Ledger } from './ledger.ts';
import { batchesSince, unfinished } from './unfinished.ts';
import { packVerdict } from './pack.ts';

/** @returns how many groups and admissions were dropped. */
export function withdraw(
  db: Database,
  ledger: Ledger,
  version: number,
  isGone: (question: Question) => boolean,
): number {
  const { unsampled, unjudged, unbatched, unlearnt } = unfinished(db);
  const unanswered = unsampled.filter(({ question }) => isGone(question));
  const empty = unanswered.map(({ sequence, question }): RolloutGroup => ({
    id: `g${sequence}`,
    sequence,
    question,
    policyVersion: version,
    samples: [],
  }));
  ledger.saveGroups(empty);
  const waiting = [...empty, ...unjudged.filter(({ question }) => isGone(question))];
  ledger.saveVerdicts(waiting.map(({ id }) => noVerdict(id)));
  const kept = [...unbatched, ...unlearnt.flatMap(({ groups }) => groups)].filter(({ group }) =>
    isGone(group.question),
  );
  for (const judged of kept) drop(db, judged);
  ledger.recount({ kept: kept.length });
  for (const { id } of unlearnt)
    db.run('DELETE FROM batches WHERE id = ? AND id NOT IN (SELECT batch_id FROM batch_groups)', id);
  return waiting.length + kept.length;
}

/** Removes groups from batches that were learnt after `version` and must be learnt again. @returns the count. */
export function withdrawLearnt(
  db: Database,
  ledger: Ledger,
  version: number,
  isGone: (question: Question) => boolean,
): number {
  const lost = batchesSince(db, version).flatMap(({ groups }) => groups.filter(({ group }) => isGone(group.question)));
  for (const judged of lost) drop(db, judged);
  ledger.recount({ kept: lost.length, learnt: lost.length });
  return lost.length;
}

function noVerdict(groupId: string): Verdict {
  return {
    groupId,
    answers: [],
    classes: [],
    winner: -1,
    share: 0,
    rewards: [],
    advantages: [],
    kept: false,
    dropped: 'gone',
  };
}

function drop(db: Database, { group: { sequence }, verdict }: JudgedGroup): void {
  db.run('DELETE FROM batch_groups WHERE sequence = ?', sequence);
  const data = packVerdict({ ...verdict, kept: false, dropped: 'gone' });
  db.run("UPDATE verdicts SET kept = 0, dropped = 'gone', data = ? WHERE sequence = ?", data, sequence);
}
