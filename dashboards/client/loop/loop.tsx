/** Draws the live loop: every actor, and the arrows along which something moved just now. */
import './loop.css';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useLive, useRequest } from '../session.ts';
import { ActorCard } from './actor-card.tsx';
import { CheckCard } from './check-card.tsx';
import { useFlows } from './flows.ts';
import { castOf, layout, type Flow, type Node } from './layout.ts';
import { SamplersCard } from './samplers-card.tsx';

const NO_PARAMS = {};

export function LoopDrawing() {
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = host.current!;
    const sized = new ResizeObserver(() => setWidth(element.clientWidth));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  const actors = useLive((live) => live.actors) ?? [];
  const questions = useRequest('questions', NO_PARAMS);
  const alive = useFlows();
  const synthetic =
    alive.has('synthetic') ||
    Object.entries(questions.value?.byOrigin ?? {}).some(([origin, n]) => origin !== 'dataset' && n > 0);
  const drawn = layout(castOf(actors), Math.max(300, width), synthetic);
  return (
    <div class="loop" ref={host}>
      {width === 0 || actors.length === 0 ? null : (
        <svg width={drawn.width} height={drawn.height} role="group" aria-label="The loop">
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto-start-reverse"
            >
              <path class="arrow-head" d="M0 0.5L8 4L0 7.5z" />
            </marker>
            <marker
              id="arrow-alive"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto-start-reverse"
            >
              <path class="arrow-head alive" d="M0 0.5L8 4L0 7.5z" />
            </marker>
          </defs>
          {drawn.flows.map((flow) => (
            <Arrow key={flow.id} flow={flow} alive={alive.has(flow.name)} />
          ))}
          {drawn.nodes.map(({ actors, x, y }) => (
            <foreignObject key={actors[0].id} x={x} y={y} width={drawn.nodeWidth} height={drawn.nodeHeight}>
              <Card actors={actors} />
            </foreignObject>
          ))}
        </svg>
      )}
    </div>
  );
}

function Card({ actors }: Pick<Node, 'actors'>) {
  if (actors[0].role === 'checker') return <CheckCard checks={actors} />;
  return actors.length > 1 ? <SamplersCard samplers={actors} /> : <ActorCard actor={actors[0]} />;
}

function Arrow({ flow, alive }: { readonly flow: Flow; readonly alive: boolean }) {
  return (
    <g class={`flow${alive ? ' alive' : ''}`}>
      <path class="flow-line" d={flow.path} marker-end={alive ? 'url(#arrow-alive)' : 'url(#arrow)'} />
      <path class="flow-items" d={flow.path} />
      {flow.label === undefined ? null : (
        <text x={flow.label.x} y={flow.label.y} text-anchor={flow.label.end === true ? 'end' : 'middle'}>
          {flow.label.text}
        </text>
      )}
    </g>
  );
}
