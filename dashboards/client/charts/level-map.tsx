/** The chart of accuracy by level: its title says what is under the cursor, or where the map's colours begin and end. */
import './level-map.css';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { number, percent } from '../format.ts';
import { useShownTheme } from '../theme.ts';
import type { Board } from './board.ts';
import { HeatMap, heightOf, type Reading } from './heat-map.ts';
import { showOn } from './show-on.ts';

export interface LevelMapProps {
  readonly board: Board;
  /** From the easiest to the hardest; a map of other levels gets another key. */
  readonly levels: readonly string[];
}

export function LevelMap({ board, levels }: LevelMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const where = useRef<HTMLSpanElement>(null);
  const map = useRef<HeatMap>(null);
  const theme = useShownTheme();

  useLayoutEffect(() => {
    const element = canvas.current!;
    const read = (reading: Reading) => {
      setText(where.current!, atPointer(reading));
      element.setAttribute('aria-label', inWords(reading));
    };
    const made = new HeatMap(board, levels, element, read);
    map.current = made;
    return showOn(board, made, element, () => made.repaint());
  }, [board]);
  useEffect(() => map.current?.repaint(), [theme]);

  return (
    <figure class="chart level-map">
      <figcaption>
        <span class="chart-title">Held-out accuracy by level</span>
        <span class="chart-where" ref={where} />
        <span class="chart-value">
          0 % <span class="level-scale" /> 100 %
        </span>
      </figcaption>
      <canvas
        ref={canvas}
        role="img"
        style={{ height: `${heightOf(levels.length)}px` }}
        onMouseMove={({ offsetX, offsetY }) => map.current?.hover(offsetX, offsetY)}
        onMouseLeave={() => map.current?.leave()}
      />
    </figure>
  );
}

function atPointer({ step, levels, at }: Reading): string {
  const pointed = levels.find(({ level }) => level === at);
  return pointed === undefined || step === undefined
    ? ''
    : `step ${number(step)} · level ${pointed.level} · ${percent(pointed.accuracy)}`;
}

function inWords({ step, levels }: Reading): string {
  const each = levels.map(({ level, accuracy }) => `level ${level} ${percent(accuracy, 0)}`).join(', ');
  return step === undefined ? 'Accuracy by level: not measured yet' : `Accuracy by level at step ${step}: ${each}`;
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
