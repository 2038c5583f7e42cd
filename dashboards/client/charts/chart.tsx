/** A titled chart. The values beside its title are those under the cursor, or the newest; they are written past Preact, at every mouse move. */
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { number, time } from '../format.ts';
import { useShownTheme } from '../theme.ts';
import type { Board } from './board.ts';
import { Plot, type Mark, type Series } from './plot.ts';

export interface ChartProps {
  readonly board: Board;
  readonly title: string;
  readonly series: readonly Series[];
  /** Text of a value, exact. */
  readonly format: (value: number | null) => string;
  /** Text of a value on the axis; `format` without it. */
  readonly axis?: (value: number) => string;
  /** Values that are always inside the axis. */
  readonly include?: readonly number[];
  readonly marks?: readonly Mark[];
  readonly tall?: boolean;
}

const NONE: readonly never[] = [];

export function Chart({ board, title, series, format, axis = format, include = NONE, marks = NONE, tall = false }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const where = useRef<HTMLSpanElement>(null);
  const values = useRef<HTMLElement[]>([]);
  const plot = useRef<Plot>(null);
  const theme = useShownTheme();

  useLayoutEffect(() => {
    const write = (x: number | null) => {
      const { shown } = board;
      const by = board.axis.get();
      const row = x === null ? shown.length - 1 : shown.nearest(x, by);
      series.forEach(({ column }, i) => setText(values.current[i], format(shown.valueBefore(column, row))));
      setText(where.current ?? undefined, x === null || row < 0 ? '' : `step ${number(shown.steps[row])} · ${time(shown.at[row]!)}`);
    };
    const element = host.current!;
    const made = new Plot(board, element, { series, format: axis, include, onCursor: write });
    plot.current = made;
    const sized = new ResizeObserver(() => made.resize(element.clientWidth, element.clientHeight));
    sized.observe(element);
    const seen = new IntersectionObserver(
      ([entry]) => {
        made.visible = entry?.isIntersecting === true;
        if (made.visible) board.redraw();
      },
      { rootMargin: '200px' },
    );
    seen.observe(element);
    const detach = board.attach(made);
    return () => {
      detach();
      seen.disconnect();
      sized.disconnect();
      made.destroy();
    };
    // The series are the chart: whoever changes them gives it another key.
  }, [board]);
  useEffect(() => plot.current?.repaint(), [theme]);
  useEffect(() => {
    plot.current!.marks = marks;
  }, [marks]);

  return (
    <figure class={`chart${tall ? ' tall' : ''}`}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-where" ref={where} />
        <span class="chart-values">
          {series.map(({ column, label, colour }, i) => (
            <span key={column} class="chart-value">
              {series.length > 1 ? (
                <>
                  <svg class="chart-key" viewBox="0 0 10 10" aria-hidden="true">
                    <circle cx="5" cy="5" r="4" fill={`var(${colour})`} />
                  </svg>
                  <span class="chart-label">{label}</span>
                </>
              ) : null}
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
      <div class="chart-plot" ref={host} aria-hidden="true" />
    </figure>
  );
}

function setText(element: HTMLElement | undefined, text: string): void {
  if (element !== undefined && element.textContent !== text) element.textContent = text;
}
