/** Many samplers as one card, such as the lanes of a cluster: how many are in which state, and what they do together. */
import { percent, rate } from '../format.ts';
import { QueueMeter, STATES } from './actor-card.tsx';
import type { Actor } from './layout.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export function SamplersCard({ samplers }: { readonly samplers: readonly Actor[] }) {
  const states = [...new Set(samplers.map(({ state }) => state))];
  const isWorking = states.includes('working');
  return (
    <div class={`actor-card${isWorking ? ' is-working' : ''}`}>
      <div class="actor-head">
        <strong>samplers</strong>
        <span class="faint small">{samplers.length}</span>
      </div>
      <ul class="check-rows">
        {states.map((state) => {
          const own = samplers.filter((sampler) => sampler.state === state);
          return (
            <li
              key={state}
              class="actor-line"
              title={own.map(({ id, error, doing }) => `${id}: ${error ?? doing}`).join('\n')}
            >
              <span class={`actor-state ${STATES[state]}`}>{state}</span>
              <span>{own.length}</span>
            </li>
          );
        })}
      </ul>
      <p class="actor-line">
        <span title="items a second over the last minute, of all">
          {rate(sum(samplers.map(({ itemsPerSecond }) => itemsPerSecond)))}
        </span>
        <span title="mean share of the last minute in which each worked">
          {percent(sum(samplers.map(({ busy }) => busy)) / samplers.length, 0)} busy
        </span>
      </p>
      <QueueMeter queue={samplers[0]?.queue ?? null} />
    </div>
  );
}
