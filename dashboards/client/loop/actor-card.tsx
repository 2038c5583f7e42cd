import type { Tone } from '../components/badge.tsx';
import { useSeconds } from '../components/time.tsx';
import { duration, percent, rate } from '../format.ts';
import type { Actor } from './layout.ts';

export const STATES: Readonly<Record<Actor['state'], Tone>> = {
  opening: 'info',
  idle: 'neutral',
  working: 'ok',
  waiting: 'warn',
  failed: 'bad',
  parked: 'bad',
  stopped: 'neutral',
};

/** One actor: its state and work, since when, and its counters. */
export function ActorCard({ actor }: { readonly actor: Actor }) {
  const now = useSeconds();
  return (
    <div class={`actor-card is-${actor.state}`}>
      <div class="actor-head">
        <strong class="ellipsis">{actor.id}</strong>
        {actor.restarts > 0 ? (
          <span class="restarts" title="restarts">
            ↻ {actor.restarts}
          </span>
        ) : null}
      </div>
      <p class="actor-line">
        <span class={`actor-state ${STATES[actor.state]}`}>{actor.state}</span>
        <span title="in this state for">{duration(Math.max(0, Math.floor((now - actor.since) / 1000)))}</span>
      </p>
      <p class="actor-doing" title={actor.error ?? actor.doing}>
        {actor.error !== undefined && actor.state === 'failed' ? actor.error : actor.doing}
      </p>
      <p class="actor-line">
        <span title="items a second over the last minute">{rate(actor.itemsPerSecond)}</span>
        <span title="share of the last minute in which it worked">{percent(actor.busy, 0)} busy</span>
      </p>
      <QueueMeter queue={actor.queue} />
    </div>
  );
}

/** What waits for an actor, against the bound of its queue. */
export function QueueMeter({ queue }: Pick<Actor, 'queue'>) {
  if (queue === null) return null;
  const { name, size, bound } = queue;
  return <Meter value={bound === 0 ? 0 : Math.min(1, size / bound)} label={name} text={`${size} of ${bound}`} />;
}

function Meter({ value, label, text }: { readonly value: number; readonly label: string; readonly text: string }) {
  return (
    <div class="actor-meter" title={`${label} ${text}`}>
      <p class="actor-line">
        <span class="ellipsis">{label}</span>
        <span>{text}</span>
      </p>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="meter-ground" width="100" height="4" />
        <rect class={value > 0.9 ? 'meter-full' : 'meter-value'} width={value * 100} height="4" />
      </svg>
    </div>
  );
}
