/** Workers as a table, and as one line of the live view. */
import pc from 'picocolors';
import { lagOf } from '../../protocol/frames.ts';
import type { Status, WorkerStatus } from '../../protocol/status.ts';
import { bytes, DASH, duration, fixed } from './format.ts';
import type { Line, Span, Style } from './text.ts';

const STYLES = {
  opening: 'cyan',
  working: 'green',
  draining: 'yellow',
  parked: 'red',
  left: 'dim',
} as const satisfies Record<WorkerStatus['state'], Style>;
/** Those that the line names. */
const NAMED = ['opening', 'draining', 'parked', 'left'] as const;

const HEADS = [
  'name',
  'host',
  'devices',
  'roles',
  'version',
  'behind',
  'groups',
  'groups/s',
  'passes',
  'sent',
  'received',
  'last seen',
  'state',
] as const;

export function workerLines(workers: readonly WorkerStatus[], { at, version }: Status): string[] {
  if (workers.length === 0) return ['No worker has joined.'];
  const rows = workers.map((worker) => [
    worker.name,
    worker.host,
    worker.devices.join(','),
    worker.roles.join(','),
    String(worker.version ?? DASH),
    String(lagOf(worker, version) ?? DASH),
    String(worker.groups),
    fixed(worker.groupsPerSecond, 2),
    String(worker.passes),
    bytes(worker.sentBytes),
    bytes(worker.receivedBytes),
    `${duration(Math.max(0, at - worker.at) / 1_000)} ago`,
  ]);
  const widths = HEADS.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ');
  return [
    pc.bold(line(HEADS)),
    ...workers.flatMap(({ state, why }, i) => [
      `${line(rows[i]!)}  ${pc[STYLES[state]](state)}`,
      ...(why === undefined ? [] : [`  ${pc.red(why)}`]),
    ]),
  ];
}

/** `workers    2 of 3 working, 1 left: gpu-b`; empty in a run that no worker can join. */
export function workersLine({ workers }: Status, label: (name: string) => Span): Line[] {
  if (workers === undefined) return [];
  if (workers.length === 0) return [[label('workers'), ['none has joined', 'dim']]];
  const inState = (wanted: WorkerStatus['state']) => workers.filter(({ state }) => state === wanted);
  const others = NAMED.flatMap((state): Span[] => {
    const names = inState(state).map(({ name }) => name);
    return names.length === 0 ? [] : [[', '], [`${names.length} ${state}: ${names.join(' ')}`, STYLES[state]]];
  });
  return [[label('workers'), [`${inState('working').length} of ${workers.length} working`], ...others]];
}
