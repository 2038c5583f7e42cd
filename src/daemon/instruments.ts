/**
 * Builds what measures a run and reports on it: measures, telemetry, journal, and the reasons for its end. These are the
 * first parts of the composition, because actors report notes while they open.
 */
import { Measures } from '../../streams/measures.ts';
import { Telemetry, type StoredFigures } from '../../streams/telemetry.ts';
import type { Config } from '../config/schema.ts';
import { PROGRESS } from '../store/standing.ts';
import { Ending } from './ending.ts';
import { Journal } from './journal.ts';
import type { Late } from './late.ts';
import type { OpenRun } from './open-run.ts';
import { actorsOf, groupsOf, processFacts } from './process-facts.ts';
import { stopWhenOf } from './stop-when.ts';

export type Instruments = ReturnType<typeof instrumentsOf>;

export function instrumentsOf(config: Config, run: OpenRun, late: Late) {
  const { store } = run;
  const before = store.meta(PROGRESS) as StoredFigures | undefined;
  const actors = () => actorsOf(late.handles.values(), late.phases.pausedAt);
  const measures = new Measures({ now: Date.now, actors, window: config.loop.batchGroups }, before);
  const sources = {
    now: Date.now,
    measures,
    groups: () => groupsOf(store, late.pipeline?.credits() ?? 0),
    commands: () => late.commands.inHand(),
    ...(run.policy.workers && { workers: () => run.policy.workers!.list() }),
    keep: (progress: StoredFigures) => store.setMeta(PROGRESS, progress),
  };
  const telemetry = new Telemetry(processFacts(config, run.folder.path, run.data), sources, before);
  const journal = new Journal(store, run.log, telemetry);
  const ending = new Ending(config.loop, store, stopWhenOf(config, store));
  return { measures, telemetry, journal, ending };
}
