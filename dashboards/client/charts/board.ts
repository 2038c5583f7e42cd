/**
 * The state that the charts of a page share: data, time axis, zoom, pause. The board draws only charts in view, each at
 * most once a frame; after an update it draws a few charts per frame, so that no frame is long. The run's history comes
 * from the server and then grows by the updates' points; for a zoomed range it requests a finer history.
 */
import { cell, type Cell } from '../cell.ts';
import type { Connection } from '../connection.ts';
import type { History, MetricRow, Requests } from '../../../src/protocol/frames.ts';
import { Columns } from './columns.ts';
import { Thinner } from './thinner.ts';

export type Axis = 'steps' | 'at';

/** Inclusive, in the unit of the axis: steps, or milliseconds since 1970. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The source of a board's data: the connection, or a stand-in with the same interface. */
export interface BoardSource extends Pick<Connection, 'state' | 'onUpdate' | 'onResync'> {
  request(method: 'history', params: Requests['history']['params']): Promise<History>;
}

export interface ChartView {
  readonly visible: boolean;
  draw(thinner: Thinner, axis: Axis, range: Range): void;
  /** Puts the cursor at `x`; null removes it. */
  point(x: number | null): void;
}

/** Points requested for the whole run, and again for a zoomed range. */
const MAX_POINTS = 5000;
/** Rows in memory; beyond this the board requests the history anew, thinned by the server. */
const MAX_ROWS = 120_000;
const BUCKETS = 600;
/** Frames over which the charts of an update are spread: at ten updates a second, six of sixty frames are available. */
const SPREAD = 6;

export class Board {
  readonly axis: Cell<Axis> = cell<Axis>('steps');
  readonly zoom: Cell<Range | null> = cell<Range | null>(null);
  readonly paused: Cell<boolean> = cell(false);
  /** Names of the columns; null before the first history. */
  readonly names: Cell<readonly string[] | null> = cell<readonly string[] | null>(null);
  readonly error: Cell<Error | null> = cell<Error | null>(null);
  readonly #source: BoardSource;
  readonly #views = new Set<ChartView>();
  #columns = new Columns();
  #thinner = new Thinner(this.#columns);
  /** A finer history of the zoomed range. */
  #fine: { readonly columns: Columns; readonly thinner: Thinner } | undefined;
  /** Points that arrived since the history was requested and that it may lack. */
  #arrived: MetricRow[] | undefined;
  /** While paused: the last step shown; later steps are stored but not drawn. */
  #lastShown: number | undefined;
  #turn = 0;
  #fineTurn = 0;
  #isPlanned = false;
  /** Charts not yet drawn from the data that `#prepare` thinned. */
  #waiting: ChartView[] = [];

  constructor(source: BoardSource) {
    this.#source = source;
    source.onUpdate(({ points }) => this.#add(points));
    source.onResync(() => void this.load());
    const open = () => {
      if (source.state.get().type !== 'open') return;
      stop();
      void this.load();
    };
    const stop = source.state.subscribe(open);
    open();
    this.axis.subscribe(() => this.redraw());
    this.paused.subscribe(() => {
      this.#lastShown = this.paused.get() ? this.#columns.steps[this.#columns.length - 1] : undefined;
      this.redraw();
    });
    this.zoom.subscribe(() => void this.#refine());
  }

  /** The unthinned data behind what is drawn, for the values under the cursor. */
  get shown(): Columns {
    return this.#fine?.columns ?? this.#columns;
  }

  /** The visible range of the axis. */
  get range(): Range {
    return this.zoom.get() ?? this.#whole();
  }

  /**
   * Scales the visible range by `factor` and keeps `around` in place; at most everything, at least two steps or
   * seconds.
   */
  zoomBy(factor: number, around: number): void {
    const all = this.#whole();
    const { min, max } = this.range;
    const least = this.axis.get() === 'steps' ? 2 : 2000;
    const length = Math.max(least, (max - min) * factor);
    if (length > (all.max - all.min) * 0.999) return this.zoom.set(null);
    const from = Math.min(all.max - length, Math.max(all.min, around - ((around - min) / (max - min)) * length));
    this.zoom.set({ min: from, max: from + length });
  }

  /** Puts the cursor of every chart in view at `x`. */
  point(x: number | null): void {
    for (const view of this.#views) if (view.visible) view.point(x);
  }

  /** Rows of `shown` up to the last drawn row. */
  get rows(): number {
    return this.#rowsOf(this.shown);
  }

  attach(view: ChartView): () => void {
    this.#views.add(view);
    this.redraw();
    return () => this.#views.delete(view);
  }

  /** Switches the axis and keeps the zoom. */
  turn(axis: Axis): void {
    const zoom = this.zoom.get();
    const from = this.axis.get();
    if (axis === from) return;
    const { length } = this.shown;
    const keys = this.shown[axis];
    const place = (x: number) => keys[Math.min(length - 1, this.shown.lowerBound(x, from))]!;
    const range = zoom !== null && length > 0 ? { min: place(zoom.min), max: place(zoom.max) } : null;
    this.axis.set(axis);
    this.zoom.set(range !== null && range.max > range.min ? range : null);
  }

  /** Draws all charts in the next frame. */
  redraw(): void {
    this.#waiting = [];
    this.#plan(Infinity);
  }

  /** Draws all charts over the next frames, those of an earlier update first. */
  #drawSpread(): void {
    if (this.#waiting.length === 0) this.#plan(SPREAD);
  }

  #plan(frames: number): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      const draw = this.#prepare();
      const charts = [...this.#views].filter(({ visible }) => visible);
      const each = frames === Infinity ? charts.length : Math.ceil(charts.length / frames);
      this.#waiting = charts;
      const next = () => {
        if (this.#waiting !== charts) return; // a later call replaced the list
        for (const chart of charts.splice(0, each)) if (this.#views.has(chart)) draw(chart);
        if (charts.length > 0) requestAnimationFrame(next);
      };
      next();
    });
  }

  /** Requests the history of the whole run; the old one stays visible until it arrives. */
  async load(): Promise<void> {
    const turn = ++this.#turn;
    this.#arrived = [];
    try {
      const history = await this.#source.request('history', { maxPoints: MAX_POINTS });
      if (turn !== this.#turn) return;
      this.#replace(Columns.of(history));
      this.error.set(null);
    } catch (error) {
      if (turn === this.#turn && this.#columns.length === 0) this.error.set(error as Error);
    }
  }

  #replace(columns: Columns): void {
    this.#columns = columns;
    this.#thinner = new Thinner(columns);
    columns.add(this.#arrived ?? []);
    this.#arrived = undefined;
    this.#tell();
    void this.#refine();
  }

  #add(points: readonly MetricRow[]): void {
    if (points.length === 0) return;
    this.#arrived?.push(...points);
    this.#columns.add(points);
    this.#tell();
    if (this.#columns.length > MAX_ROWS && this.#arrived === undefined) void this.load();
    if (!this.paused.get()) this.#drawSpread();
  }

  #tell(): void {
    const { names } = this.#columns;
    if (names.length !== this.names.get()?.length) this.names.set(names);
  }

  async #refine(): Promise<void> {
    const turn = ++this.#fineTurn;
    const range = this.zoom.get();
    this.#fine = undefined;
    this.redraw();
    if (range === null || this.#source.state.get().type !== 'open') return;
    const { from, to } = this.#steps(range);
    const history = await this.#source.request('history', { from, to, maxPoints: MAX_POINTS }).catch(() => undefined);
    if (history === undefined || turn !== this.#fineTurn || history.steps.length === 0) return;
    const columns = Columns.of(history);
    this.#fine = { columns, thinner: new Thinner(columns) };
    this.redraw();
  }

  /** The steps of a range on the current axis, with a margin for the lines that leave it. */
  #steps({ min, max }: Range): { from: number; to: number } {
    if (this.axis.get() === 'steps') return { from: Math.max(0, Math.floor(min) - 1), to: Math.ceil(max) + 1 };
    const { steps, length } = this.#columns;
    const row = (time: number, margin: number) =>
      Math.min(length - 1, Math.max(0, this.#columns.lowerBound(time, 'at') + margin));
    return { from: steps[row(min, -1)] ?? 0, to: steps[row(max, 1)] ?? 0 };
  }

  #whole(): Range {
    return whole(this.#columns[this.axis.get()], this.#rowsOf(this.#columns));
  }

  #rowsOf(columns: Columns): number {
    return this.#lastShown === undefined
      ? columns.length
      : Math.min(columns.length, columns.lowerBound(this.#lastShown + 1, 'steps'));
  }

  /** Thins the visible rows; returns the function that draws a chart from them. */
  #prepare(): (view: ChartView) => void {
    const axis = this.axis.get();
    const zoom = this.zoom.get();
    const { columns, thinner } = this.#fine ?? { columns: this.#columns, thinner: this.#thinner };
    const first = zoom === null ? 0 : Math.max(0, columns.lowerBound(zoom.min, axis) - 1);
    const rows = this.#rowsOf(columns);
    const end = zoom === null ? rows : Math.min(rows, columns.lowerBound(zoom.max, axis) + 2);
    thinner.update(first, Math.max(first, end), BUCKETS, columns.settle());
    const range = zoom ?? whole(columns[axis], rows);
    return (view) => view.draw(thinner, axis, range);
  }
}

function whole(keys: Float64Array, length: number): Range {
  if (length === 0) return { min: 0, max: 1 };
  const [min, max] = [keys[0]!, keys[length - 1]!];
  return min === max ? { min, max: min + 1 } : { min, max };
}
