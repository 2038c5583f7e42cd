/** Workers as a table. */
import pc from 'picocolors';
import type { WorkerStatus } from '../../protocol/status.ts';
import { DASH, duration, fixed } from './format.ts';

const COLOURS: Readonly<Record<WorkerStatus['state'], (text: string) => string>> = {
  opening: pc.cyan,
  working: pc.green,
  draining: pc.yellow,
  parked: pc.red,
  left: pc.dim,
};

const HEADS = ['name', 'host', 'devices', 'roles', 'version', 'groups', 'groups/s', 'last seen', 'state'] as const;

/** @param now milliseconds since 1970 of the daemon. */
export function workerLines(workers: readonly WorkerStatus[], now: number): string[] {
  if (workers.length === 0) return ['No worker has joined.'];
  const rows = workers.map((worker) => [
    worker.name,
    worker.host,
    worker.devices.join(','),
    worker.roles.join(','),
    worker.version === null ? DASH : String(worker.version),
    String(worker.groups),
    fixed(worker.groupsPerSecond, 2),
    `${duration(Math.max(0, now - worker.at) / 1_000)} ago`,
  ]);
  const widths = HEADS.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ');
  return [
    pc.bold(line(HEADS)),
    ...workers.flatMap(({ state, why }, i) => [
      `${line(rows[i]!)}  ${COLOURS[state](state)}`,
      ...(why === undefined ? [] : [`  ${pc.red(why)}`]),
    ]),
  ];
}
