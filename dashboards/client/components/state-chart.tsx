/** Draws a state machine as boxes in a row with the active state lit; arcs above lead right, arcs below lead left. */
import './state-chart.css';
import type { ActorDetail } from '../../../src/protocol/frames.ts';

type Machine = ActorDetail['charts'][number];

const CHARACTER = 6.6;
const PADDING = 12;
const GAP = 34;
const BOX = 26;
const RISE = 13;

interface Box {
  readonly state: string;
  readonly x: number;
  readonly width: number;
}

export function StateChart({ chart }: { readonly chart: Machine }) {
  const boxes = boxesOf(chart.states);
  const at = (state: string) => boxes.findIndex((box) => box.state === state);
  const arcs = chart.transitions
    .map(([from, event, to]) => ({ from: at(from), event, to: at(to) }))
    .filter(({ from, to }) => from >= 0 && to >= 0);
  const reach = (select: (arc: (typeof arcs)[number]) => boolean) =>
    Math.max(0, ...arcs.filter(select).map(({ from, to }) => Math.abs(to - from) || 1));
  const above = reach(({ from, to }) => to >= from) * RISE + 4;
  const below = reach(({ from, to }) => to < from) * RISE + 4;
  const last = boxes.at(-1);
  const width = last === undefined ? 0 : last.x + last.width + 1;
  const label = `${chart.machine}: ${chart.states.join(', ')}; now ${chart.active}`;
  return (
    <figure class="state-chart">
      <figcaption>{chart.machine}</figcaption>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={`State chart of ${chart.machine}`}>
        <svg width={width} height={above + BOX + below} role="img" aria-label={label}>
          {arcs.map((arc, i) => (
            <path
              key={i}
              class={`transition${chart.states[arc.from] === chart.active ? ' open' : ''}`}
              d={arcPath(boxes, arc.from, arc.to, above)}
              marker-end="url(#state-arrow)"
            >
              <title>{`${chart.states[arc.from]}: ${arc.event} → ${chart.states[arc.to]}`}</title>
            </path>
          ))}
          {boxes.map(({ state, x, width: w }) => (
            <g key={state} class={`state${state === chart.active ? ' active' : ''}`}>
              <rect x={x} y={above} width={w} height={BOX} rx="6" />
              <text x={x + w / 2} y={above + BOX / 2 + 4} text-anchor="middle">
                {state}
              </text>
            </g>
          ))}
        </svg>
      </div>
    </figure>
  );
}

/** Defines the arrow head once per page. */
export function StateArrow() {
  return (
    <svg class="visually-hidden" aria-hidden="true">
      <defs>
        <marker id="state-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">
          <path class="state-arrow" d="M0 0.5L8 4L0 7.5z" />
        </marker>
      </defs>
    </svg>
  );
}

function boxesOf(states: readonly string[]): readonly Box[] {
  let x = 1;
  return states.map((state) => {
    const width = Math.max(48, state.length * CHARACTER + 2 * PADDING);
    const box = { state, x, width };
    x += width + GAP;
    return box;
  });
}

function arcPath(boxes: readonly Box[], from: number, to: number, above: number): string {
  const [a, b] = [boxes[from]!, boxes[to]!];
  const middle = (box: Box) => box.x + box.width / 2;
  if (from === to)
    return `M${middle(a) - 10} ${above}C${middle(a) - 12} ${above - 16} ${middle(a) + 12} ${above - 16} ${middle(a) + 10} ${above - 1}`;
  if (to === from + 1) return `M${a.x + a.width} ${above + BOX / 2}H${b.x - 1}`;
  const [y, side] = to > from ? [above, -1] : [above + BOX, 1];
  const peak = y + side * Math.abs(to - from) * RISE * 1.3;
  return `M${middle(a) - side * 6} ${y}C${middle(a) - side * 6} ${peak} ${middle(b) + side * 6} ${peak} ${middle(b) + side * 6} ${y + side}`;
}
