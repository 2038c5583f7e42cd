/**
 * Goes back to version `from` on disk: learning continues from its weights and moments as a new version. The intent is
 * stored first, then the new version's checkpoint, then its row. A restart after a kill in between writes the row if
 * the checkpoint exists; without the checkpoint, nothing has happened.
 */
import { ROLLBACK_INTENT as INTENT } from '../src/store/chain.ts';
import type { Store } from '../src/store/store.ts';
import { advance } from './learn.ts';
import type { Loop } from './loop.ts';

/** Where a stored loop keeps the rollbacks that a replay may meet; the one under way is under `INTENT`. */
const DONE = 'loop.rollbacks';

export interface Rollback {
  readonly from: number;
  /** The version that it makes. */
  readonly as: number;
}

/**
 * Done rollbacks that a restart from an old checkpoint must do again, and the one under way: their versions must stay
 * on disk. Oldest first.
 */
export function rollbacks(store: Pick<Store, 'meta'>): readonly Rollback[] {
  const intent = store.meta(INTENT) as Rollback | null | undefined;
  return [...done(store), ...(intent ? [intent] : [])];
}

function done(store: Pick<Store, 'meta'>): readonly Rollback[] {
  return (store.meta(DONE) as readonly Rollback[] | undefined) ?? [];
}

/** Call without work in hand. @throws InputError when the version cannot be loaded; nothing has changed then. */
export async function rollBack(loop: Loop, from: number, as = loop.state.version + 1): Promise<number> {
  const { store } = loop.parts;
  const rollback = { from, as };
  store.setMeta(INTENT, rollback);
  try {
    await loop.effects.restore(from, rollback.as);
  } catch (error) {
    store.setMeta(INTENT, null);
    throw error;
  }
  await loop.effects.checkpoint(rollback.as).catch((error: unknown) => {
    loop.effects.failed(error); // the policy is ahead of the store: only a restart reconciles them
    throw error;
  });
  record(store, rollback);
  advance(loop, rollback.as);
  loop.parts.telemetry.version(rollback.as);
  return rollback.as;
}

/**
 * At a start: what became of a rollback that was under way when the process ended. The policy was opened with the
 * newest checkpoint.
 */
export function settleRollback({
  parts: { store, telemetry },
  state: { version },
}: Pick<Loop, 'parts' | 'state'>): void {
  const intent = store.meta(INTENT) as Rollback | null | undefined;
  if (!intent) return;
  if (version === intent.as) return record(store, intent);
  store.setMeta(INTENT, null);
  telemetry.note(`the rollback to version ${intent.from} was cut short and did not happen`);
}

/** Forgets rollbacks that no replay from version `floor` meets. */
export function forgetRollbacks(store: Pick<Store, 'meta' | 'setMeta'>, floor: number): void {
  const needed = done(store).filter(({ as }) => as > floor);
  if (needed.length < done(store).length) store.setMeta(DONE, needed);
}

function record(store: Store, rollback: Rollback): void {
  store.transaction(() => {
    store.saveVersion({ n: rollback.as, parent: rollback.from, batchId: null, metrics: null });
    store.setMeta(DONE, [...done(store), rollback]);
    store.setMeta(INTENT, null);
    store.event('rollback', rollback);
  });
}
