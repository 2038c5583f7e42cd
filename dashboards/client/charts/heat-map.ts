/**
 * Accuracy by level over a board's axis, drawn on a canvas: a row for each level, the hardest on top, so that learning
 * climbs; at each place the newest evaluation up to there. Contains no components.
 */
import { percent } from '../format.ts';
import { colour } from '../theme.ts';
import { marks, markText } from './axes.ts';
import type { Axis, Board, ChartView, Range } from './board.ts';

const LEVEL = 'level.';
/** Every evaluation with levels has it too, at the same row. */
const EVALUATED = 'greedy';
const LEFT = 52;
const RIGHT = 56;
const TOP = 6;
const X_HEIGHT = 26;
const MARK_SPACE = 72;
const ROW = 20;
/** A row lower than a text labels every other level. */
const TEXT = 13;
const FONT = '11px system-ui, sans-serif';

/** Levels among a history's columns, from the easiest to the hardest. */
export function levelsIn(names: readonly string[]): string[] {
  const levels = names.filter((name) => name.startsWith(LEVEL)).map((name) => name.slice(LEVEL.length));
  return levels.toSorted((a, b) => Number(a) - Number(b));
}

/** CSS pixels that a map of so many levels needs. */
export function heightOf(levels: number): number {
  return TOP + X_HEIGHT + Math.min(360, Math.max(120, levels * ROW));
}

/** What is at the cursor, or the newest evaluation. */
export interface Reading {
  /** Step of the evaluation; undefined before the first. */
  readonly step: number | undefined;
  readonly levels: readonly { readonly level: string; readonly accuracy: number | null }[];
  /** The level under the pointer. */
  readonly at: string | undefined;
}

export class HeatMap implements ChartView {
  visible = true;
  readonly #board: Board;
  readonly #levels: readonly string[];
  readonly #canvas: HTMLCanvasElement;
  readonly #onRead: (reading: Reading) => void;
  #axis: Axis = 'steps';
  #range: Range = { min: 0, max: 1 };
  #x: number | null = null;
  #level: string | undefined;

  /** @param levels from the easiest to the hardest. */
  constructor(board: Board, levels: readonly string[], canvas: HTMLCanvasElement, onRead: (reading: Reading) => void) {
    this.#board = board;
    this.#levels = levels;
    this.#canvas = canvas;
    this.#onRead = onRead;
  }

  draw(_: unknown, axis: Axis, range: Range): void {
    this.#axis = axis;
    this.#range = range;
    this.repaint();
  }

  point(x: number | null): void {
    this.#x = x;
    this.repaint();
  }

  /** The pointer is at these CSS pixels of the canvas; every chart of the board follows. */
  hover(left: number, top: number): void {
    const inside = left >= LEFT && left <= LEFT + this.#width && top >= TOP && top < TOP + this.#height;
    const row = Math.floor(((top - TOP) / this.#height) * this.#levels.length);
    this.#level = inside ? this.#levels.at(-1 - row) : undefined;
    const { min, max } = this.#range;
    this.#board.point(inside ? min + ((left - LEFT) / this.#width) * (max - min) : null);
  }

  leave(): void {
    this.#level = undefined;
    this.#board.point(null);
  }

  repaint(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    const context = this.#canvas.getContext('2d');
    if (context === null || clientWidth === 0) return;
    this.#canvas.width = clientWidth * devicePixelRatio;
    this.#canvas.height = clientHeight * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);
    context.font = FONT;
    context.textBaseline = 'middle';
    this.#cells(context);
    this.#xAxis(context);
    this.#yAxis(context);
    const reading = this.#reading();
    if (this.#x === null) this.#newest(context, reading);
    else this.#cursor(context, this.#x);
    this.#onRead(reading);
  }

  get #width(): number {
    return Math.max(1, this.#canvas.clientWidth - LEFT - RIGHT);
  }

  get #height(): number {
    return this.#canvas.clientHeight - TOP - X_HEIGHT;
  }

  #topOf(level: number): number {
    return TOP + (this.#height * (this.#levels.length - 1 - level)) / this.#levels.length;
  }

  /** Row of the newest evaluation at or before `x`; -1 before the first. */
  #evaluatedAt(x: number): number {
    const { shown } = this.#board;
    const next = shown.lowerBound(x, this.#axis);
    const row = shown[this.#axis][next] === x && next < shown.length ? next : next - 1;
    return shown.rowBefore(EVALUATED, Math.min(row, this.#board.rows - 1));
  }

  #accuracy(level: string, row: number): number | null {
    const value = row < 0 ? undefined : this.#board.shown.column(`${LEVEL}${level}`)?.[row];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  #cells(context: CanvasRenderingContext2D): void {
    const { min, max } = this.#range;
    const width = this.#width;
    const rowAt = (pixel: number) => this.#evaluatedAt(min + (pixel / width) * (max - min));
    for (let from = 0; from < width;) {
      const row = rowAt(from);
      let to = from + 1;
      while (to < width && rowAt(to) === row) to += 1;
      for (const [i, level] of this.#levels.entries())
        this.#cell(context, this.#accuracy(level, row), i, [from, Math.min(width, to)]);
      from = to;
    }
  }

  #cell(
    context: CanvasRenderingContext2D,
    accuracy: number | null,
    level: number,
    [from, to]: readonly [number, number],
  ): void {
    if (accuracy === null) return;
    const top = this.#topOf(level);
    const box = [LEFT + from, top, to - from, this.#height / this.#levels.length - 1] as const;
    context.fillStyle = colour('--surface-3');
    context.fillRect(...box);
    context.globalAlpha = accuracy;
    context.fillStyle = colour('--series-1');
    context.fillRect(...box);
    context.globalAlpha = 1;
  }

  #xAxis(context: CanvasRenderingContext2D): void {
    const { min, max } = this.#range;
    context.fillStyle = colour('--axis');
    context.textAlign = 'center';
    for (const x of marks(this.#axis, this.#range, this.#width, MARK_SPACE)) {
      const left = LEFT + ((x - min) / (max - min)) * this.#width;
      context.fillText(markText(this.#axis, x, this.#range), left, TOP + this.#height + 14);
    }
  }

  #yAxis(context: CanvasRenderingContext2D): void {
    context.fillStyle = colour('--axis');
    context.textAlign = 'right';
    this.#eachRow((level, middle) => context.fillText(level, LEFT - 8, middle));
  }

  #newest(context: CanvasRenderingContext2D, { levels }: Reading): void {
    context.fillStyle = colour('--text-2');
    context.textAlign = 'left';
    this.#eachRow((_, middle, i) => context.fillText(percent(levels[i]?.accuracy, 0), LEFT + this.#width + 8, middle));
  }

  #eachRow(write: (level: string, middle: number, i: number) => void): void {
    const each = this.#height / this.#levels.length;
    const every = each < TEXT ? 2 : 1;
    for (const [i, level] of this.#levels.entries()) if (i % every === 0) write(level, this.#topOf(i) + each / 2, i);
  }

  #cursor(context: CanvasRenderingContext2D, x: number): void {
    const { min, max } = this.#range;
    const left = LEFT + ((x - min) / (max - min)) * this.#width;
    context.fillStyle = colour('--text');
    context.fillRect(Math.round(left), TOP, 1, this.#height);
  }

  #reading(): Reading {
    const row = this.#evaluatedAt(this.#x ?? this.#range.max);
    const levels = this.#levels.map((level) => ({ level, accuracy: this.#accuracy(level, row) }));
    return { step: row < 0 ? undefined : this.#board.shown.steps[row], levels, at: this.#level };
  }
}
