/**
 * Renders the live view of a running daemon as a pure function of its status. `start` draws it in place on a terminal,
 * `status` prints it once, and docs/ renders it to a picture.
 */
import { sep } from 'node:path';
import { isPausing } from '../../protocol/frames.ts';
import type { Phase, Status } from '../../protocol/status.ts';
import { actorLines } from './actors.ts';
import { areaChart, sparkline } from './chart.ts';
import { groupLines } from './groups.ts';
import { labelFreeLines } from './label-free.ts';
import { levelLines } from './levels.ts';
import { amount, bytes, clock, DASH, duration, fixed, percent, points } from './format.ts';
import { workersLine } from './workers.ts';
import { grid, paint, spread, type Colors, type Line, type Span, type Style } from './text.ts';

export interface FrameOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Rows of the terminal; the frame leaves out its least important parts to fit. */
  readonly rows: number;
  readonly colors: Colors;
  /** Text at the foot of the frame. */
  readonly hint?: string;
  /** Paths under this folder are shown relative to it. */
  readonly cwd?: string;
}

/**
 * Columns of a label, of the narrowest cell and of the widest cell of the grid, and the possible numbers of cells per
 * row, each of which divides the twelve cells into full rows.
 */
const LABEL = 11;
const CELL = 21;
const LONGEST_CELL = 28;
const COLUMNS = [6, 4, 3, 2] as const;
const NOTES = 3;

const PHASES = {
  starting: ['starting', 'cyan'],
  baseline: ['measuring the baseline', 'cyan'],
  running: ['learning', 'green'],
  paused: ['paused', 'yellow'],
  stopping: ['stopping: finishing the step in hand', 'yellow'],
  draining: ['saving', 'yellow'],
  stopped: ['stopped', 'dim'],
  failed: ['failed', 'red'],
} as const satisfies Record<Phase, readonly [string, Style]>;

const PAUSING = ['pausing: the step in hand', 'yellow'] as const;

/** @returns lines of at most `options.width` columns. */
export function renderFrame(status: Status, options: FrameOptions): string[] {
  const width = Math.max(1, options.width);
  const inner = Math.max(1, width - 2);
  const head = [...title(status, inner, options.cwd), [], ...accuracy(status)];
  const body = [
    [],
    ...cells(status, inner),
    ...groupLines(status, label),
    ...workersLine(status, label),
    ...commands(status),
    [],
    ...actorLines(status, inner),
  ];
  const foot: Line[] = options.hint === undefined ? [] : [[], [[options.hint, 'dim']]];
  const room = options.rows - head.length - body.length - foot.length;
  const notes = noteLines(status, Math.min(NOTES, room - 1));
  const levels = levelLines(status.accuracy.levels, label, { width: inner, room: room - notes.length });
  const left = room - notes.length - levels.length;
  const lines = [...head, ...levels, ...chart(status, inner, left), ...body, ...notes, ...foot];
  return lines.map((line) => paint(line.length > 0 ? [[' '], ...line] : [], width, options.colors));
}

function title(status: Status, width: number, cwd: string | undefined): Line[] {
  const [words, style] = phaseWords(status);
  const target = status.stopAt === null ? '' : ` of ${status.stopAt}`;
  const left: Line = [
    ['Quorum', 'bold', 'magenta'],
    ['  version '],
    [String(status.version), 'bold'],
    [target, 'dim'],
    ['  ● ', style],
    [words, style],
  ];
  const near = (path: string): string =>
    cwd !== undefined && path.startsWith(`${cwd}${sep}`) ? path.slice(cwd.length + 1) : path;
  const where: Line = [[`${near(status.model)} · ${status.data} · seed ${status.seed} · ${near(status.run)}`, 'dim']];
  const dashboard: Line[] =
    status.dashboard === undefined
      ? []
      : [
          [
            ['dashboard  ', 'dim'],
            [status.dashboard, 'cyan'],
          ],
        ];
  const lines = [spread(left, [[ran(status), 'dim']], width), where, ...dashboard];
  const why: Line[] = status.held === undefined ? [] : [[[status.held, 'yellow']]];
  return [...lines, ...why, ...(status.error === undefined ? [] : ([[[status.error, 'red']]] satisfies Line[]))];
}

function phaseWords(status: Status): readonly [string, Style] {
  if (isPausing(status)) return PAUSING;
  const { phase, restoring } = status;
  return phase === 'starting' && restoring !== undefined
    ? [`restoring up to version ${restoring}`, 'cyan']
    : PHASES[phase];
}

/** Time that the run has been up, over all starts. */
function ran({ seconds, pausedSeconds = 0 }: Status): string {
  const time = `ran ${duration(seconds - pausedSeconds)}`;
  return pausedSeconds < 1 ? time : `${time}, paused ${duration(pausedSeconds)}`;
}

function accuracy(status: Status): Line[] {
  const shown = status.labelFree === undefined || status.accuracy.now !== null ? measured(status) : [];
  return [...shown, ...labelFreeLines(status, label)];
}

function measured({ accuracy: { now, baseline, best, questions }, labelFree }: Status): Line[] {
  if (!now) return [[label('accuracy'), ['not measured yet', 'dim']]];
  const worse = baseline !== null && now.greedy < baseline.greedy;
  const line: Span[] = [label('accuracy'), [percent(now.greedy), 'bold', worse ? 'red' : 'green']];
  if (baseline)
    line.push(
      ['  '],
      [points(now.greedy - baseline.greedy), worse ? 'red' : 'green'],
      [` from ${percent(baseline.greedy)}`, 'dim'],
    );
  if (best) line.push(['  best ', 'dim'], [percent(best.greedy)], [` at ${best.version}`, 'dim']);
  if (questions !== null)
    line.push([`  greedy, n ${questions}${labelFree === undefined ? '' : ' with a label'}`, 'dim']);
  return [line];
}

/**
 * The history of accuracy, without labels of the agreement with the base: tall where there is room, one row otherwise.
 */
function chart({ accuracy: { history }, labelFree }: Status, width: number, room: number): Line[] {
  const ofBase = history.length > 0 ? undefined : labelFree;
  const values =
    ofBase === undefined ? history.map((point) => point.greedy) : ofBase.history.flatMap(({ asBase }) => asBase ?? []);
  if (values.length < 2 || room < 1) return [];
  const height = Math.min(5, room - 1);
  if (height < 3) return [[[sparkline(values, width), 'green']]];
  const { rows, low, high } = areaChart(values, Math.max(1, width - LABEL), height);
  const name = ofBase === undefined ? '' : 'as base';
  const axis = (row: number): string =>
    row === 0 ? percent(high, 0) : row === rows.length - 1 ? percent(low, 0) : row === 1 ? name : '';
  return rows.map((row, i) => [
    [axis(i).padEnd(LABEL), 'dim'],
    [row, 'green'],
  ]);
}

function cells({ signals, throughput, staleness, memory }: Status, width: number): Line[] {
  const values: readonly (readonly [string, string])[] = [
    ['vote share', fixed(signals.voteShare, 2)],
    ['reward', fixed(signals.reward, 2)],
    ['KL', fixed(signals.kl, 4)],
    ['entropy', fixed(signals.entropy, 3)],
    ['clipped', percent(signals.clipFraction)],
    ['length', fixed(signals.responseTokens, 1)],
    ['rollout', `${amount(throughput.rolloutTokensPerSecond)} t/s`],
    ['learner', `${amount(throughput.learnerTokensPerSecond)} t/s`],
    ['overlap', percent(throughput.overlap, 0)],
    ['steps/min', fixed(throughput.stepsPerMinute, 1)],
    ['staleness', `${staleness.now ?? DASH} of ${staleness.max}`],
    ['memory', bytes(memory.rss)],
  ];
  const columns = COLUMNS.find((n) => n * CELL <= width) ?? 1;
  const lines = values.map(([name, value]): Line => [label(name), [value]]);
  return grid(lines, Math.min(LONGEST_CELL, Math.floor(width / columns)), columns);
}

/** What was asked of the daemon and is not done, and what that waits for. */
function commands({ commands: inHand = [], at }: Status): Line[] {
  return inHand.map(({ text, author, since, behind }) => [
    label('command'),
    [text],
    [`  ${author}, ${duration((at - since) / 1000)}`, 'dim'],
    [behind === null ? '' : `  waits for: ${behind}`, 'yellow'],
  ]);
}

function label(name: string): Span {
  return [name.padEnd(LABEL), 'dim'];
}

function noteLines({ notes }: Status, most: number): Line[] {
  if (most < 1 || notes.length === 0) return [];
  return [[], ...notes.slice(-most).map(({ at, text }): Line => [[`${clock(at)}  `, 'dim'], [text]])];
}
