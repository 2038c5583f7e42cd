/** Facts about a run for the telemetry: constants, and counts that other parts keep. */
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

/** Roles that do no work during a pause; the others may, as an evaluation can be requested meanwhile. */
const PAUSED_ROLES: readonly string[] = ['questioner', 'sampler', 'voter', 'learner', 'synthesizer'];

/**
 * Statuses of the actors; during a pause the idle ones of the loop show that they wait for a resume.
 * @param pausedAt milliseconds since 1970; undefined while the loop is not paused.
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
  const { admitted, sampled, judged, kept, dropped, checks, learnt, setAside } = store.counts();
  const aside = setAside === 0 ? {} : { setAside };
  return {
    admitted,
    sampled,
    kept,
    dropped,
    ...(Object.keys(checks).length > 0 && { checks }),
    learnt,
    ...aside,
    inFlight: admitted - judged,
    waiting: kept - learnt - setAside,
    credits,
  };
}
