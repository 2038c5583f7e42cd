/**
 * Stage 5: a window becomes a batch, stored before it is learnt from, and a version, stored before anyone samples with
 * it.
 */
import { gapWarning } from '../src/learn/soundness.ts';
import { InputError, ItemError } from '../src/protocol/errors.ts';
import type { Batch, PolicyVersion } from '../src/protocol/messages.ts';
import { learning } from '../src/roles/learner.ts';
import type { Window } from './batcher.ts';
import { emptyWords, type EmptyTally, type EmptyWindows } from './empty-windows.ts';
import { THROUGH, type Loop } from './loop.ts';
import { recordStep } from './record.ts';
import { failsAgain, setAside } from './set-aside.ts';
import { isOfWriting, writingParams } from './writing.ts';

/** Undefined for a window in which no group was kept, and for a batch that was set aside. */
export function learn(loop: Loop, empty: EmptyWindows) {
  const tellGap = gapTeller(loop);
  return async (window: Window, _lane: number, signal: AbortSignal): Promise<PolicyVersion | undefined> => {
    const { store } = loop.parts;
    if (window.groups.length === 0) {
      store.setMeta(THROUGH, window.through);
      tellEmpty(loop, empty.emptied(), window);
      return undefined;
    }
    empty.filled();
    const batch: Batch = { id: store.nextBatchId, parent: loop.state.version, groups: window.groups };
    store.transaction(() => {
      store.saveBatch({ id: batch.id, parent: batch.parent, groupIds: batch.groups.map(({ group }) => group.id) });
      store.setMeta(THROUGH, window.through);
    });
    const version = await step(loop, batch, signal);
    if (version === undefined) return undefined;
    tellGap(batch, version);
    if (version.n % loop.parts.config.checkpoints.everySteps === 0) await loop.effects.checkpoint(version.n);
    return version;
  };
}

/** Tells once that sampler and learner do not compute the same. */
function gapTeller({ parts, effects }: Loop): (batch: Batch, version: PolicyVersion) => void {
  let isTold = false;
  return (batch, { metrics }) => {
    const warning = isTold || metrics === null ? undefined : gapWarning(batch, metrics, parts.config.sampling);
    if (warning === undefined) return;
    isTold = true;
    parts.store.event('note', warning);
    effects.say(warning);
  };
}

function tellEmpty(
  { parts: { store, config }, effects }: Loop,
  tally: EmptyTally | undefined,
  { judged, through }: Window,
): void {
  if (tally === undefined) return;
  const text = emptyWords(tally, config, judged);
  store.event('batch.empty', { ...tally, through, text });
  effects.say(text);
}

/** One learner step from a stored batch; undefined when the learner cannot take the batch and it is set aside. */
export async function step(loop: Loop, batch: Batch, signal: AbortSignal): Promise<PolicyVersion | undefined> {
  const { store, measures, telemetry } = loop.parts;
  measures.begin('learner');
  let tokens = 0;
  let version: PolicyVersion | undefined;
  try {
    version = await learned(loop, batch, signal);
    tokens = version.metrics?.tokens ?? 0;
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    setAside(loop, batch, error.cause as Error);
    return undefined;
  } finally {
    measures.end('learner', { tokens, steps: version === undefined ? 0 : 1 });
  }
  measures.learnt(batch, version.metrics);
  telemetry.version(version.n);
  const saved = version;
  loop.effects.look(); // open files accept the version even if they were deleted from the folder
  try {
    store.transaction(() => {
      store.saveVersion(saved);
      telemetry.keep();
      recordStep(loop.parts, saved);
    });
  } catch (error) {
    telemetry.version(loop.state.version); // the last words name what a restart finds
    throw error;
  }
  advance(loop, version.n);
  loop.effects.announce({ type: 'learnt', version, ...(isOfWriting(batch) && { of: 'writing' }) });
  return version;
}

/**
 * Repeats a step whose version is stored: the same batch on the same weights gives the same weights. @throws ItemError
 * when the learner can no longer take it
 */
export async function replay(loop: Pick<Loop, 'parts' | 'state'>, batch: Batch, signal: AbortSignal): Promise<void> {
  const { n } = await learned(loop, { ...batch, again: true }, signal);
  loop.parts.telemetry.version(n);
  advance(loop, n);
}

async function learned(loop: Pick<Loop, 'parts' | 'state'>, batch: Batch, signal: AbortSignal): Promise<PolicyVersion> {
  const { config, performers } = loop.parts;
  const step = loop.state.settings.stepOf(batch);
  const settings = isOfWriting(batch) ? { ...step, temperature: writingParams(config).temperature } : step;
  const call = learning({ ...batch, settings }, config.timeouts);
  const { version, metrics } = await performers.learner.perform({
    ...call,
    run: (port, inner) => call.run(port, inner).catch(failed),
    signal,
    blames: (error) => failsAgain(loop.parts, batch, error),
  });
  if (version.n !== batch.parent + 1)
    throw new Error(`the learner made version ${version.n} from version ${batch.parent}`);
  return { n: version.n, parent: batch.parent, batchId: batch.id, metrics };
}

/** Bad input (a missing picture) costs a try like every other failure: the next batch may fail for the same reason. */
function failed(error: unknown): never {
  throw error instanceof InputError ? new Error(error.message, { cause: error }) : error;
}

/** The samplers move to version `n`; its predecessor stays only while a sampler still uses it. */
export function advance(loop: Pick<Loop, 'parts' | 'state'>, n: number): void {
  loop.parts.policy.retain(n);
  loop.parts.policy.release(loop.state.version);
  loop.state.version = n;
}
