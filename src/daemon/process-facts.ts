/** What the telemetry needs to know of a run: what does not change, and the counts that others keep. */
import type { Handle } from '../../actors/handle.ts';
import type { Config } from '../config/schema.ts';
import type { OpenedData } from '../data/open.ts';
import type { ActorStatus, GroupStatus } from '../protocol/status.ts';
import type { Store } from '../store/store.ts';
import type { ProcessFacts } from '../../streams/telemetry.ts';
import { countLabels } from './label-words.ts';

export function processFacts(config: Config, runFolder: string, data: OpenedData): ProcessFacts {
  const { model, seed, loop } = config;
  return {
    pid: process.pid,
    run: runFolder,
    model,
    data: data.train.name,
    seed,
    startedAt: Date.now(),
    stopAt: loop.steps,
    maxStaleness: loop.maxStaleness,
    labels: countLabels(data),
  };
}

/** Roles whose work stands still in a pause; evaluations, say, are made meanwhile where somebody asks for one. */
const PAUSED_ROLES: readonly string[] = ['questioner', 'sampler', 'voter', 'learner', 'synthesizer'];

/**
 * @param pausedAt milliseconds since 1970; undefined where the loop is not paused. Whatever an idle actor of the loop
 * waited for before, it now waits for a resume.
 */
export function actorsOf(
  handles: Iterable<Pick<Handle<never>, 'status'>>,
  pausedAt: number | undefined,
): readonly ActorStatus[] {
  const now = [...handles].map((handle) => handle.status());
  if (pausedAt === undefined) return now;
  const stands = ({ role, state }: ActorStatus) => state === 'idle' && PAUSED_ROLES.includes(role);
  return now.map((actor) =>
    stands(actor) ? { ...actor, doing: 'waiting for a resume', since: Math.max(actor.since, pausedAt) } : actor,
  );
}

export function groupsOf(store: Store, credits: number): GroupStatus {
  const { admitted, sampled, judged, kept, dropped, learnt, setAside } = store.counts();
  const aside = setAside === 0 ? {} : { setAside };
  return {
    admitted,
    sampled,
    kept,
    dropped,
    learnt,
    ...aside,
    inFlight: admitted - judged,
    waiting: kept - learnt - setAside,
    credits,
  };
}
