/** The outcome of a run that was made to collapse, read from its run folder alone. */
import type { Store } from '../store/store.ts';

export interface CollapseRow {
  readonly name: string;
  readonly seed: number;
  /** Learner steps that were taken, before and after roll-backs. */
  readonly steps: number;
  /**
   * First evaluated version after which the true accuracy stays `FALL` below the best before it; null without such a
   * fall.
   */
  readonly onset: number | null;
  /** Versions at which the guardian started its last watch, and at which it acted; null if it did not. */
  readonly watched: number | null;
  readonly acted: number | null;
  readonly why: string;
  /** Before the first act. */
  readonly best: number | null;
  /** Last evaluation before the act. */
  readonly atWorst: number | null;
  /** Of the version that the first roll-back made. */
  readonly rolledBack: number | null;
  /** Versions from the first roll-back to the second, and the last evaluation between; null without a second. */
  readonly again: number | null;
  readonly atSecond: number | null;
  /** Of the newest version: where the run is held, of the version that it went back to. */
  readonly last: number | null;
  readonly rollbacks: number;
  readonly held: boolean;
}

/** Points of accuracy, in [0, 1], that count as collapse. */
const FALL = 0.05;

interface GuardianEvent {
  readonly level: string;
  readonly version: number;
  readonly why: string;
}

/** @param from version at which the run was first interfered with: alarms before it are false. */
export function collapseRow(
  store: Pick<Store, 'evaluations' | 'events' | 'latestVersion'>,
  name: string,
  seed: number,
  from: number,
): CollapseRow {
  const accuracies = new Map(
    store.evaluations().flatMap(({ version, greedy }) => (greedy === null ? [] : [[version, greedy] as const])),
  );
  const points = [...accuracies].toSorted(([a], [b]) => a - b);
  const events = store.events(10_000, 'guardian').toReversed();
  const told = events.map(({ data }) => data as GuardianEvent).filter(({ version }) => version > from);
  const rollbacks = store
    .events(1_000, 'rollback')
    .toReversed()
    .map(({ data }) => data as { readonly from: number; readonly as: number });
  const act = told.find(({ level }) => level === 'act');
  const second = rollbacks[1];
  const isHeld = told.some(({ level }) => level === 'hold');
  const before = points.filter(([version]) => version < (rollbacks[0]?.as ?? Infinity));
  const best = before.length === 0 ? null : Math.max(...before.map(([, greedy]) => greedy));
  return {
    name,
    seed,
    steps: store.latestVersion()?.n ?? 0,
    onset: onsetOf(before),
    watched:
      told.findLast(({ level, version }) => level === 'watch' && version <= (act?.version ?? Infinity))?.version ??
      null,
    acted: act?.version ?? null,
    why: act?.why ?? '',
    best,
    atWorst: before.at(-1)?.[1] ?? null,
    rolledBack: rollbacks[0] === undefined ? null : (accuracies.get(rollbacks[0].as) ?? null),
    again: second === undefined ? null : second.as - rollbacks[0]!.as,
    atSecond: (second && points.findLast(([version]) => version < second.as)?.[1]) ?? null,
    last: (isHeld ? accuracies.get(rollbacks.at(-1)?.from ?? -1) : undefined) ?? points.at(-1)?.[1] ?? null,
    rollbacks: rollbacks.length,
    held: isHeld,
  };
}

/** First point from which on all lie `FALL` below the best so far. */
export function onsetOf(points: readonly (readonly [version: number, accuracy: number])[]): number | null {
  let onset: number | null = null;
  let best = -Infinity;
  for (const [version, accuracy] of points) {
    best = Math.max(best, accuracy);
    if (accuracy > best - FALL) onset = null;
    else onset ??= version;
  }
  return onset;
}

const HEAD = [
  'run',
  'seed',
  'steps',
  'onset',
  'watched',
  'acted',
  'best',
  'at the act',
  'rolled back',
  'second after',
  'at the second',
  'at the end',
  'roll-backs',
  'reasons',
];

export function collapseTable(rows: readonly CollapseRow[]): string {
  const percent = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} %`);
  const number = (value: number | null) => (value === null ? '-' : String(value));
  const cells = rows.map((row) => [
    row.name,
    String(row.seed),
    String(row.steps),
    ...[row.onset, row.watched, row.acted].map(number),
    ...[row.best, row.atWorst, row.rolledBack].map(percent),
    number(row.again),
    ...[row.atSecond, row.last].map(percent),
    `${row.rollbacks}${row.held ? ', then held' : ''}`,
    row.why || '-',
  ]);
  return [HEAD, HEAD.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
