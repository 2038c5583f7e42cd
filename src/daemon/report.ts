/** What a run came to, from its last status. */
import type { Report, Status } from '../protocol/status.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { rates, type Totals } from '../../streams/meter.ts';

export interface Ending {
  readonly end: Report['end'];
  readonly error: Error | undefined;
  readonly folder: string;
  readonly bestFolder: string | null;
  /** Of the newest and of the best version, where they were evaluated in full. */
  readonly final: Accuracy | null;
  readonly best: Report['best'];
}

export function reportOf(status: Status, totals: Totals, { error, ...ending }: Ending): Report {
  const { model, data, seed, version, accuracy, staleness, groups, restarts, memory } = status;
  return {
    model,
    data,
    seed,
    steps: version,
    wallSeconds: totals.seconds,
    baseline: accuracy.fullBaseline,
    history: accuracy.history,
    throughput: rates(totals),
    staleness: { max: staleness.max, histogram: staleness.histogram },
    groups: { sampled: groups.sampled, kept: groups.kept, dropped: groups.dropped },
    restarts,
    memory: { peakRssBytes: memory.peakRss },
    ...ending,
    ...(error === undefined ? {} : { error: error.message }),
  };
}
