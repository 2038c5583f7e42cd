/**
 * Resumes a loop after any kind of end: replays stored batches and rollbacks onto the checkpoint and finds the work in
 * hand.
 */
import { ItemError } from '../src/protocol/errors.ts';
import type { Batch, JudgedGroup, RolloutGroup } from '../src/protocol/messages.ts';
import type { Admission, Store } from '../src/store/store.ts';
import { advance, replay, step } from './learn.ts';
import { THROUGH, type Loop } from './loop.ts';
import { rollBack, rollbacks } from './rollback.ts';
import { setAside } from './set-aside.ts';

export interface Resumed {
  /** Last sequence number that a stored batch, or a window without kept groups, has consumed; -1 on a fresh run. */
  readonly through: number;
  readonly unsampled: readonly Admission[];
  readonly unjudged: readonly RolloutGroup[];
  readonly unbatched: readonly JudgedGroup[];
  /** Sequence numbers after `through` whose groups were dropped. */
  readonly dropped: readonly number[];
  /** Groups in the lists above. */
  readonly groups: number;
}

/** The work in hand after `through`. An admission in none of the other lists was dropped. */
export function workInHand(store: Store): Resumed {
  const through = (store.meta(THROUGH) as number | undefined) ?? -1;
  const { unsampled, unjudged, unbatched } = store.unfinished();
  const open = [
    ...unsampled.map(({ sequence }) => sequence),
    ...unjudged.map(({ sequence }) => sequence),
    ...unbatched.map(({ group }) => group.sequence),
  ];
  const inHand = new Set(open);
  const after = Array.from({ length: store.nextSequence - through - 1 }, (_, i) => through + 1 + i);
  const dropped = after.filter((sequence) => !inHand.has(sequence));
  return { through, unsampled, unjudged, unbatched, dropped, groups: after.length };
}

/**
 * Learns the stored batches since the checkpoint. Batches with a stored version lead to the same weights and change
 * nothing else; the last batch may be unfinished, and is finished here.
 */
export async function catchUp(loop: Loop, signal: AbortSignal): Promise<void> {
  const newest = loop.parts.store.latestVersion()?.n ?? 0;
  const batches: readonly Batch[] = loop.parts.store.batchesSince(loop.state.version);
  if (newest > loop.state.version) {
    const { version } = loop.state;
    loop.parts.telemetry.note(`restoring versions ${version + 1} to ${newest} from their stored batches`);
    loop.parts.telemetry.restoring(newest);
  }
  for (const batch of batches) {
    if (signal.aborted) return;
    await repeatRollbacks(loop, batch.parent);
    if (batch.parent !== loop.state.version)
      throw new Error(
        `batch ${batch.id} starts from version ${batch.parent}, but the replay is at version ${loop.state.version}`,
      );
    if (batch.groups.length === 0) {
      await keepWeights(loop);
      continue;
    }
    if (batch.parent >= newest) {
      await step(loop, batch, signal);
      continue;
    }
    try {
      await replay(loop, batch, signal);
    } catch (error) {
      if (error instanceof ItemError) return goOnFrom(loop, batch, error, newest);
      throw error;
    }
  }
  await repeatRollbacks(loop, newest);
}

/**
 * The next version equals the present one under a new number: none of its step's groups has readable pictures any more.
 */
async function keepWeights(loop: Loop): Promise<void> {
  const { version } = loop.state;
  await loop.effects.restore(version, version + 1).catch(async () => {
    await loop.effects.checkpoint(version);
    await loop.effects.restore(version, version + 1);
  });
  advance(loop, version + 1);
  loop.parts.telemetry.version(version + 1);
}

/**
 * A stored version cannot be learnt again (a missing picture, for example), and neither can its successors: the loop
 * continues from the version before, as after a rollback. A batch that starts from the lost newest version is dropped.
 */
async function goOnFrom(loop: Loop, { id, parent }: Batch, { message }: Error, newest: number): Promise<void> {
  const { store } = loop.parts;
  for (const batch of store.unfinished().unlearnt) {
    setAside(loop, batch, new Error(`version ${newest}, from which it starts, cannot be learnt again`));
  }
  await loop.effects.checkpoint(parent);
  const as = await rollBack(loop, parent, newest + 1);
  const lost = newest === parent + 1 ? `version ${newest}` : `versions ${parent + 1} to ${newest}`;
  store.event('replay.failed', { batch: id, cause: message, from: parent, as, lost: newest - parent });
  const text = `${lost} cannot be learnt again from the stored batches: batch ${id}: ${message}; learning continues from version ${parent} as version ${as}`;
  loop.effects.say(text);
}

/** Does again what was done between the version that the loop is at and `upTo`, where that was to go back. */
async function repeatRollbacks(loop: Loop, upTo: number): Promise<void> {
  for (const { from, as } of rollbacks(loop.parts.store)) {
    if (as !== loop.state.version + 1 || as > upTo) continue;
    await loop.effects.restore(from, as);
    advance(loop, as);
    loop.parts.telemetry.version(as);
  }
}
