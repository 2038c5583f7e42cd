/**
 * A titled chart. The title shows the values under the cursor, or the newest values. Mouse moves write them directly,
 * without Preact.
 */
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { number, time } from '../format.ts';
import { useShownTheme } from '../theme.ts';
import type { Board } from './board.ts';
import { Plot, type Mark, type Series } from './plot.ts';
import { showOn } from './show-on.ts';

export interface ChartProps {
  readonly board: Board;
  readonly title: string;
  readonly series: readonly Series[];
  /** Formats a value exactly. */
  readonly format: (value: number | null) => string;
  /** Formats a value on the axis; default `format`. */
  readonly axis?: (value: number) => string;
  /** Values that the axis always includes. */
  readonly include?: readonly number[];
  readonly marks?: readonly Mark[];
  readonly tall?: boolean;
  readonly wide?: boolean;
  /** Name of an axis other than the run's steps; such a chart does not share its cursor. */
  readonly xName?: string;
}

const NONE: readonly never[] = [];

export function Chart({
  board,
  title,
  series,
  format,
  axis = format,
  include = NONE,
  marks = NONE,
  tall = false,
  wide = false,
  xName,
}: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const where = useRef<HTMLSpanElement>(null);
  const values = useRef<HTMLElement[]>([]);
  const labels = useRef<HTMLElement[]>([]);
  const plot = useRef<Plot>(null);
  const theme = useShownTheme();

  useLayoutEffect(() => {
    const place = (step: number | undefined) => `${xName ?? 'step'} ${number(step)}`;
    const write = (x: number | null) => {
      const { shown } = board;
      const by = board.axis.get();
      const row = x === null ? board.rows - 1 : shown.nearest(x, by);
      const named = (label: string, from: number) =>
        [
          ...(series.length > 1 ? [label] : []),
          ...(isOther(shown.steps, from, row) ? [`at ${place(shown.steps[from])}`] : []),
        ].join(' ');
      series.forEach(({ column, label }, i) => {
        const from = shown.rowBefore(column, row);
        setText(values.current[i], format(from < 0 ? null : shown.column(column)![from]!));
        setText(labels.current[i], named(label, from));
      });
      const read = series
        .map(({ label, column }) => {
          const from = shown.rowBefore(column, row);
          return `${label}${isOther(shown.steps, from, row) ? ` at ${place(shown.steps[from])}` : ''} ${format(shown.valueBefore(column, row))}`;
        })
        .join(', ');
      if (document.activeElement === host.current)
        tell(host.current!, shown.steps[row], `${place(shown.steps[row])}: ${read}`);
      setText(
        where.current ?? undefined,
        x === null || row < 0
          ? ''
          : xName === undefined
            ? `${place(shown.steps[row])} · ${time(shown.at[row]!)}`
            : place(shown.steps[row]),
      );
    };
    const element = host.current!;
    const made = new Plot(board, element, {
      series,
      format: axis,
      include,
      alone: xName !== undefined,
      onCursor: write,
    });
    plot.current = made;
    const end = showOn(board, made, element, () => made.resize(element.clientWidth, element.clientHeight));
    return () => {
      end();
      made.destroy();
    };
    // The series define the chart, so callers give it another key when they change.
  }, [board]);
  useEffect(() => plot.current?.repaint(), [theme]);
  useEffect(() => {
    plot.current!.marks = marks;
  }, [marks]);

  return (
    <figure class={`chart${tall ? ' tall' : ''}${wide ? ' wide' : ''}`}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-where" ref={where} />
        <span class="chart-values">
          {series.map(({ column, label, colour }, i) => (
            <span key={column} class="chart-value">
              {series.length > 1 ? (
                <svg class="chart-key" viewBox="0 0 10 10" aria-hidden="true">
                  <circle cx="5" cy="5" r="4" fill={`var(${colour})`} />
                </svg>
              ) : null}
              <span
                class="chart-label"
                ref={(element: HTMLElement | null) => {
                  if (element !== null) labels.current[i] = element;
                }}
              >
                {series.length > 1 ? label : ''}
              </span>
              <b
                ref={(element: HTMLElement | null) => {
                  if (element !== null) values.current[i] = element;
                }}
              >
                –
              </b>
            </span>
          ))}
        </span>
      </figcaption>
      <div
        class="chart-plot"
        ref={host}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: the arrow keys move along, plus and minus zoom, 0 shows everything`}
        aria-valuenow={0}
        onKeyDown={(event) => {
          if (
            !event.ctrlKey &&
            !event.metaKey &&
            !event.altKey &&
            plot.current?.press(event.key, event.shiftKey) === true
          )
            event.preventDefault();
        }}
        onBlur={() => plot.current?.leave()}
      />
    </figure>
  );
}

/** Whether the value belongs to an earlier step, as with evaluations; the title then names that step. */
function isOther(steps: Float64Array, from: number, row: number): boolean {
  return from >= 0 && steps[row]! > steps[from]!;
}

/** Tells screen readers the cursor's position and the values there. */
function tell(element: HTMLElement, step: number | undefined, text: string): void {
  element.setAttribute('aria-valuenow', String(step ?? 0));
  element.setAttribute('aria-valuetext', text);
}

function setText(element: HTMLElement | undefined, text: string): void {
  if (element !== undefined && element.textContent !== text) element.textContent = text;
}
