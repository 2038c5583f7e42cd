/**
 * Sets aside a batch that the learner cannot take: it stays in the store with its cause, is never learnt from, and the
 * loop continues with the next batch. If the cause is a step with unsound numbers, the loop pauses too, because the
 * next batch may be just as wrong.
 */
import { TimeoutError, UnsoundStepError, WorkerError } from '../src/protocol/errors.ts';
import type { Batch } from '../src/protocol/messages.ts';
import type { Store } from '../src/store/store.ts';
import type { Loop, LoopParts } from './loop.ts';

/**
 * A batch is set aside after two errors of the learner. A thread that ended and a deadline that passed are half the
 * evidence: what else the machine does may cause them.
 */
const ENOUGH = 4;
const weightOf = (error: Error): number => (error instanceof TimeoutError || error instanceof WorkerError ? 1 : 2);
/** Where a stored loop weighs the failures of the batch in hand, and keeps why it is paused. */
const FAILURES = 'loop.failures';
const HELD = 'loop.held';

interface Failures {
  readonly batchId: number;
  /** Sum of their weights. */
  readonly failures: number;
}

/** The reason for which the loop paused itself, also in an earlier process; undefined if it did not. */
export function heldBy(store: Pick<Store, 'meta'>): string | undefined {
  return (store.meta(HELD) as string | null | undefined) ?? undefined;
}

/** A user resumes a held loop. */
export function release({ store, telemetry }: Pick<LoopParts, 'store' | 'telemetry'>): void {
  if (heldBy(store) === undefined) return;
  store.setMeta(HELD, null);
  telemetry.held(undefined);
}

/**
 * Counts a failure, also over restarts of the process; true where there were enough. A process that is killed has not
 * failed.
 */
export function failsAgain({ store }: Pick<LoopParts, 'store'>, { id }: Batch, error: Error): boolean {
  const before = store.meta(FAILURES) as Failures | undefined;
  const failures = (before?.batchId === id ? before.failures : 0) + weightOf(error);
  store.setMeta(FAILURES, { batchId: id, failures } satisfies Failures);
  return failures >= ENOUGH;
}

export function setAside(
  { parts, effects }: Pick<Loop, 'parts' | 'effects'>,
  { id, parent, groups }: Batch,
  cause: Error,
): void {
  const { store } = parts;
  const numbers = cause instanceof UnsoundStepError ? (cause.metrics ?? null) : null;
  const isUnsound = cause instanceof UnsoundStepError;
  const what = `batch ${id} (${groups.length} groups) is set aside at version ${parent}: ${cause.message}`;
  const then = isUnsound
    ? 'learning is paused: look at it (quorum doctor --run), then resume or stop'
    : 'the run continues without it';
  store.transaction(() => {
    store.setAside({ batchId: id, cause: cause.message, numbers });
    store.event('batch.set-aside', {
      batch: id,
      version: parent,
      groups: groups.map(({ group }) => group.id),
      cause: cause.message,
      numbers,
    });
    if (isUnsound) store.setMeta(HELD, what);
  });
  effects.say(`${what}; ${then}`);
  if (isUnsound) effects.hold(what);
}
