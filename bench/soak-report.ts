/** Reports the samples of a soak as a table of the quantities that must not grow, and lists those that do. */
import { grows, trend } from './trend.ts';

export interface SoakSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Number of the launch, from 0: each start of the daemon on the run folder is one. */
  readonly launch: number;
  readonly version: number;
  readonly accuracy: number | null;
  readonly level: string | null;
  /** Of all actors, since the daemon started. */
  readonly restarts: number;
  /** Queues past their bounds. */
  readonly overfull: readonly string[];
  /** Items in all queues. */
  readonly queued: number;
  /** Bytes. */
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
  /** Handles and requests of the main thread's event loop. */
  readonly resources: number;
  /** 99th percentile since the sample before, seconds. */
  readonly lag: number;
  /** Open file descriptors and threads of the process; null where /proc does not say. */
  readonly files: number | null;
  readonly threads: number | null;
  /** Bytes. */
  readonly database: number;
  readonly wal: number;
  readonly log: number;
  readonly checkpoints: number;
}

interface Held {
  readonly name: string;
  readonly of: (sample: SoakSample) => number | null;
  /** Growth below this is ignored. */
  readonly floor: number;
  readonly unit: 'MiB' | 's' | '';
  /** Compare the windows' minima, because a collector empties it now and then. */
  readonly lowest?: boolean;
}

const MIB = 2 ** 20;
/** Growth below this share of the initial value is ignored. */
const SHARE = 0.1;
/** Share of each launch that is left out, while compiled programs, caches and pools fill. */
const WARM_UP_SHARE = 0.2;

const HELD: readonly Held[] = [
  { name: 'resident memory', of: ({ rss }) => rss, floor: 64 * MIB, unit: 'MiB' },
  { name: 'heap of the main thread', of: ({ heap }) => heap, floor: 16 * MIB, unit: 'MiB', lowest: true },
  {
    name: 'external memory of the main thread',
    of: ({ external }) => external,
    floor: 16 * MIB,
    unit: 'MiB',
    lowest: true,
  },
  { name: 'handles and requests', of: ({ resources }) => resources, floor: 8, unit: '' },
  { name: 'file descriptors', of: ({ files }) => files, floor: 8, unit: '' },
  { name: 'threads', of: ({ threads }) => threads, floor: 2, unit: '' },
  { name: 'items in queues', of: ({ queued }) => queued, floor: 32, unit: '' },
  { name: 'lag of the event loop, p99', of: ({ lag }) => lag, floor: 0.1, unit: 's' },
  { name: 'database', of: ({ database }) => database, floor: 4 * MIB, unit: 'MiB' },
  { name: 'write-ahead log', of: ({ wal }) => wal, floor: 8 * MIB, unit: 'MiB' },
  { name: 'log files', of: ({ log }) => log, floor: 0.4 * MIB, unit: 'MiB' },
  { name: 'checkpoints', of: ({ checkpoints }) => checkpoints, floor: 2, unit: '' },
];

const least = (window: readonly number[]) => Math.min(...window);

/** @param problems that ended the soak or that the check afterwards found. */
export function soakReport(
  samples: readonly SoakSample[],
  problems: readonly string[],
): { text: string; failures: string[] } {
  if (samples.length === 0)
    return { text: `Nothing was sampled. ${problems.join('; ')}`, failures: ['nothing was sampled', ...problems] };
  const launches = launchesOf(samples);
  const failures = [
    ...problems,
    ...new Set(samples.flatMap(({ overfull }) => overfull.map((queue) => `${queue} is past its bound`))),
  ];
  const tables = launches.map((launch, at) => {
    const { rows, growing } = held(launch);
    const name = launches.length === 1 ? '' : `Launch ${at + 1}: `;
    failures.push(...growing.map((what) => `${name}${what} grows`));
    const { restarts } = launch.at(-1)!;
    return [
      `${name}${hoursOf(launch).toFixed(2)} hours, ${launch.length} samples, versions ${launch[0]!.version} to ${launch.at(-1)!.version}, ${restarts} restarts.`,
      '',
      '| after a fifth of the time | from | to | least | most | |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
      '',
    ];
  });
  const acted = samples.filter(({ level }) => level === 'act' || level === 'hold').length;
  const watched = samples.filter(({ level }) => level === 'watch').length;
  const accuracies = samples.flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]));
  const text = [
    ...(launches.length === 1 ? [] : [`${soakedHours(samples).toFixed(2)} hours in ${launches.length} launches.`, '']),
    ...tables.flat(),
    `Held-out accuracy ${percent(accuracies[0])} at first, ${percent(Math.max(...accuracies))} best, ${percent(accuracies.at(-1))} at the end.`,
    `The guardian was on watch in ${watched} samples and acted in ${acted}.`,
    failures.length === 0 ? 'Nothing grows.' : failures.map((failure) => `- ${failure}`).join('\n'),
  ].join('\n');
  return { text, failures };
}

/** Hours within launches; the time between them does not count. */
export function soakedHours(samples: readonly SoakSample[]): number {
  return launchesOf(samples).reduce((sum, launch) => sum + hoursOf(launch), 0);
}

function launchesOf(samples: readonly SoakSample[]): SoakSample[][] {
  return [...new Set(samples.map(({ launch }) => launch))].map((one) => samples.filter(({ launch }) => launch === one));
}

function hoursOf(launch: readonly SoakSample[]): number {
  return (launch.at(-1)!.at - launch[0]!.at) / 3_600_000;
}

function held(launch: readonly SoakSample[]): { rows: string[]; growing: string[] } {
  const warm = launch.slice(Math.floor(launch.length * WARM_UP_SHARE));
  const growing: string[] = [];
  const rows = HELD.flatMap(({ name, of, unit, lowest, floor }) => {
    const series = warm.map(of).filter((value) => value !== null);
    if (series.length === 0) return [];
    const line = trend(series, lowest === true ? least : undefined);
    const bad = grows(line, SHARE, floor);
    if (bad) growing.push(name);
    const shown = (value: number) =>
      (unit === 'MiB' ? value / MIB : value).toLocaleString('en-US', { maximumSignificantDigits: 3 });
    const cells = [line.from, line.to, Math.min(...series), Math.max(...series)].map(shown);
    return [`| ${name}${unit === '' ? '' : `, ${unit}`} | ${cells.join(' | ')} | ${bad ? '**grows**' : 'level'} |`];
  });
  return { rows, growing };
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(100 * share).toFixed(1)} %`;
}
