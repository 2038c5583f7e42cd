/**
 * One uPlot, made once and fed by a board: axes, cursor, zoom and the marks over the lines. It contains no components.
 */
import uPlot from 'uplot';
import { colour } from '../theme.ts';
import { marks, markText } from './axes.ts';
import type { Axis, Board, ChartView, Range } from './board.ts';
import type { Thinner } from './thinner.ts';

export interface Series {
  readonly column: string;
  readonly label: string;
  /** Design token. */
  readonly colour: string;
  /** Draws each value as a point on the line, for series with few values. */
  readonly points?: boolean;
}

/** A mark drawn over the lines: a value for all steps, a value at one step, or a step without a value. */
export interface Mark {
  readonly label: string;
  readonly value: number | null;
  readonly step?: number;
  readonly colour: string;
}

export interface PlotOptions {
  readonly series: readonly Series[];
  /** Formats a value on the axis. */
  readonly format: (value: number) => string;
  /** Values that the axis always includes. */
  readonly include: readonly number[];
  /** The chart has an axis of its own, so it does not share its cursor. */
  readonly alone: boolean;
  /** Called after the cursor moved or new data came. `x`: position of the cursor, null outside. */
  readonly onCursor: (x: number | null) => void;
}

/** A key press moves the cursor by one row, or by 1/120 of the visible rows if that is more. */
const KEY_STEPS = 120;
const MANY_KEYS = 10;

const SYNC = 'quorum';
const Y_WIDTH = 52;
const X_HEIGHT = 26;
const FONT = '11px system-ui, sans-serif';
const MARK_SPACE = 72;

export class Plot implements ChartView {
  visible = true;
  readonly #board: Board;
  readonly #options: PlotOptions;
  readonly #plot: uPlot;
  #axis: Axis = 'steps';
  #range: Range = { min: 0, max: 1 };
  #marks: readonly Mark[] = [];
  #x: readonly number[] = [];
  /** Position that a key gave the cursor; it survives redrawing. */
  #pointed: number | null = null;

  constructor(board: Board, host: HTMLElement, options: PlotOptions) {
    this.#board = board;
    this.#options = options;
    this.#plot = new uPlot(this.#uPlotOptions(host), [[], ...options.series.map(() => [])], host);
    this.#plot.over.addEventListener('mouseleave', () => options.onCursor(null));
    this.#plot.over.addEventListener('mousemove', () => (this.#pointed = null));
  }

  set marks(marks: readonly Mark[]) {
    this.#marks = marks;
    this.#plot.redraw(false);
  }

  draw(thinner: Thinner, axis: Axis, range: Range): void {
    this.#axis = axis;
    this.#range = range;
    this.#x = axis === 'steps' ? thinner.steps : thinner.at;
    const columns = this.#options.series.map(({ column }) => thinner.values(column) as number[]);
    this.#plot.setData([this.#x as number[], ...columns], true);
    if (this.#pointed === null) this.#tellCursor(this.#plot);
    else this.point(this.#pointed);
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  /** Handles a key. @returns false for a key that means nothing here. */
  press(key: string, shift: boolean): boolean {
    const far = shift ? MANY_KEYS : 1;
    const { min, max } = this.#range;
    const x = this.#cursorX() ?? max;
    if (key === 'ArrowLeft' || key === 'ArrowRight') this.#moveCursor(x, (key === 'ArrowLeft' ? -1 : 1) * far);
    else if (key === 'Home') this.#moveTo(min);
    else if (key === 'End') this.#moveTo(max);
    else if (key === '+' || key === '=') this.#board.zoomBy(0.5, x);
    else if (key === '-' || key === '_') this.#board.zoomBy(2, x);
    else if (key === '0') this.#board.zoom.set(null);
    else if (key === 'Escape') this.leave();
    else return false;
    return true;
  }

  /** Removes the cursor, so that the newest values show. */
  leave(): void {
    this.#board.point(null);
  }

  point(x: number | null): void {
    this.#pointed = x;
    const { clientWidth, clientHeight } = this.#plot.over;
    // Stay half a pixel inside: uPlot removes a cursor that is exactly on the edge.
    const left = x === null ? -10 : Math.min(clientWidth - 0.5, Math.max(0.5, this.#plot.valToPos(x, 'x')));
    this.#plot.setCursor({ left, top: x === null ? -10 : clientHeight / 2 });
  }

  /** Call after the theme changed. */
  repaint(): void {
    this.#plot.redraw(false, true);
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #uPlotOptions(host: HTMLElement): uPlot.Options {
    const { series, alone } = this.#options;
    return {
      width: Math.max(120, host.clientWidth),
      height: host.clientHeight,
      padding: [10, 14, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [this.#range.min, this.#range.max] },
        y: { range: (_, low, high) => this.#yRange(low, high) },
      },
      axes: [this.#xAxis(), this.#yAxis()],
      series: [{}, ...series.map((one) => lineOf(one))],
      cursor: {
        y: false,
        points: { size: 7, width: 2 },
        drag: { x: true, y: false, setScale: false },
        ...(alone
          ? {}
          : {
              sync: {
                key: SYNC,
                scales: ['x', null],
                filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' },
              },
            }),
        bind: {
          dblclick: () => () => {
            this.#board.zoom.set(null);
            return null;
          },
        },
      },
      hooks: {
        setSelect: [(plot) => this.#select(plot)],
        setCursor: [(plot) => this.#tellCursor(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
      },
    };
  }

  #xAxis(): uPlot.Axis {
    return {
      size: X_HEIGHT,
      font: FONT,
      stroke: () => colour('--axis'),
      grid: { show: false },
      ticks: { stroke: () => colour('--border'), width: 1, size: 4 },
      gap: 4,
      splits: (plot) => marks(this.#axis, this.#range, plot.bbox.width / devicePixelRatio, MARK_SPACE),
      values: (_, splits) => splits.map((x) => markText(this.#axis, x, this.#range)),
    };
  }

  #yAxis(): uPlot.Axis {
    return {
      size: Y_WIDTH,
      font: FONT,
      stroke: () => colour('--axis'),
      grid: { stroke: () => colour('--grid'), width: 1 },
      ticks: { show: false },
      gap: 6,
      space: 34,
      values: (_, splits) => splits.map((value) => this.#options.format(value)),
    };
  }

  #yRange(low: number | null, high: number | null): [number, number] {
    const inside = [
      ...this.#options.include,
      ...this.#marks.map(({ value }) => value).filter((value) => value !== null),
    ];
    const min = Math.min(low ?? Infinity, ...inside);
    const max = Math.max(high ?? -Infinity, ...inside);
    if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
    const margin = max > min ? (max - min) * 0.06 : (Math.abs(min) || 1) * 0.1;
    return [
      this.#options.include.includes(min) ? min : min - margin,
      max > min && this.#options.include.includes(max) ? max : max + margin,
    ];
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 3) return;
    const [min, max] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#board.zoom.set({ min, max });
  }

  #tellCursor(plot: uPlot): void {
    this.#options.onCursor(this.#cursorX(plot));
  }

  #cursorX(plot = this.#plot): number | null {
    const { left } = plot.cursor;
    return left === undefined || left < 0 ? null : plot.posToVal(left, 'x');
  }

  /** Moves the cursor by `rows`, or further if rows are too dense to tell apart. */
  #moveCursor(from: number, rows: number): void {
    const columns = this.#board.shown;
    const { min, max } = this.#range;
    const inView = columns.lowerBound(max, this.#axis) - columns.lowerBound(min, this.#axis);
    const to = columns.nearest(from, this.#axis) + rows * Math.max(1, Math.floor(inView / KEY_STEPS));
    if (this.#board.rows > 0) this.#moveTo(columns[this.#axis][Math.min(this.#board.rows - 1, Math.max(0, to))]!);
  }

  #moveTo(x: number): void {
    const { min, max } = this.#range;
    this.#board.point(Math.min(max, Math.max(min, x)));
  }

  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = 'alphabetic';
    ctx.lineWidth = ratio;
    for (const { label, value, step, colour: token } of this.#marks) {
      ctx.strokeStyle = ctx.fillStyle = colour(token);
      if (value === null) this.#drawUpright(plot, label, step ?? 0);
      else if (step === undefined) {
        const y = plot.valToPos(value, 'y', true);
        this.#dash(ctx, bbox.left, y, bbox.left + bbox.width, y);
        ctx.textAlign = 'right';
        this.#write(ctx, label, bbox.left + bbox.width - 4 * ratio, y - 5 * ratio);
      } else this.#drawPoint(plot, label, step, plot.valToPos(value, 'y', true));
    }
    ctx.restore();
  }

  /** Writes a text with an outline in the background's colour, so that it stays readable over lines. */
  #write(ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void {
    ctx.save();
    ctx.strokeStyle = colour('--surface');
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = 'round';
    ctx.strokeText(text, x, y);
    ctx.restore();
    ctx.fillText(text, x, y);
  }

  #dash(ctx: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(fromX, fromY);
    ctx.lineTo(toX, toY);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  #drawUpright(plot: uPlot, label: string, step: number): void {
    const { ctx, bbox } = plot;
    const x = this.#placeOf(plot, step);
    if (x === undefined) return;
    this.#dash(ctx, x, bbox.top, x, bbox.top + bbox.height);
    ctx.textAlign = 'right';
    this.#write(ctx, label, x - 4 * devicePixelRatio, bbox.top + bbox.height - 6 * devicePixelRatio);
  }

  /** Pixel position of a step; undefined if it is out of view. */
  #placeOf(plot: uPlot, step: number): number | undefined {
    const columns = this.#board.shown;
    const row = columns.nearest(step, 'steps');
    if (row < 0) return undefined;
    const x = plot.valToPos(columns[this.#axis][row]!, 'x', true);
    return x < plot.bbox.left - 1 || x > plot.bbox.left + plot.bbox.width + 1 ? undefined : x;
  }

  #drawPoint(plot: uPlot, label: string, step: number, y: number): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const x = this.#placeOf(plot, step);
    if (x === undefined) return;
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.arc(x, y, 5.5 * ratio, 0, 2 * Math.PI);
    ctx.stroke();
    const right = x > bbox.left + bbox.width - 90 * ratio;
    ctx.textAlign = right ? 'right' : 'left';
    this.#write(ctx, label, x + (right ? -10 : 10) * ratio, Math.max(bbox.top + 9 * ratio, y - 6 * ratio));
  }
}

function lineOf({ colour: token, label, points = false }: Series): uPlot.Series {
  const stroke = () => colour(token);
  return {
    label,
    stroke,
    width: 1.5,
    spanGaps: true,
    points: points ? { show: true, size: 4, stroke, fill: stroke } : { show: false },
  };
}
