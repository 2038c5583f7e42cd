/** What the telemetry needs to know of a run: what does not change, and the counts that others keep. */
import type { Config } from '../config/schema.ts';
import type { OpenedData } from '../data/open.ts';
import type { GroupStatus } from '../protocol/status.ts';
import type { Store } from '../store/store.ts';
import type { Sitting } from '../../streams/telemetry.ts';
import { countLabels } from './label-words.ts';

export function sittingOf(config: Config, runFolder: string, data: OpenedData): Sitting {
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
    window: loop.batchGroups,
    labels: countLabels(data),
  };
}

export function groupsOf(store: Store, credits: number): GroupStatus {
  const { admitted, sampled, judged, kept, dropped, learnt, setAside } = store.counts();
  const aside = setAside === 0 ? {} : { setAside };
  return { admitted, sampled, kept, dropped, learnt, ...aside, inFlight: admitted - judged, waiting: kept - learnt - setAside, credits };
}
