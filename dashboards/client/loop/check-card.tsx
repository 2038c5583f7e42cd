/** The stage between samplers and voter: each check, its state, and how many votes it took. */
import type { Live } from '../../../src/protocol/frames.ts';
import { count } from '../format.ts';
import { useLive } from '../session.ts';
import { QueueMeter, STATES } from './actor-card.tsx';
import type { Actor } from './layout.ts';

type Counts = NonNullable<Live['groups']['checks']>[string];

/** Lines that a card has room for. */
const MOST = 4;

export function CheckCard({ checks }: { readonly checks: readonly Actor[] }) {
  const counts = useLive(({ groups }) => groups.checks) ?? {};
  const shown = checks.length > MOST ? checks.slice(0, MOST - 1) : checks;
  const isWorking = checks.some(({ state }) => state === 'working');
  return (
    <div class={`actor-card${isWorking ? ' is-working' : ''}`}>
      <div class="actor-head">
        <strong>check</strong>
        <span class="faint small" title="votes lost">
          lost
        </span>
      </div>
      <ul class="check-rows">
        {shown.map((check) => (
          <Row key={check.id} check={check} counts={counts[nameOf(check)]} />
        ))}
        {shown.length < checks.length ? <li class="actor-line">{checks.length - shown.length} more</li> : null}
      </ul>
      <QueueMeter queue={checks[0]?.queue ?? null} />
    </div>
  );
}

function Row({ check, counts }: { readonly check: Actor; readonly counts: Counts | undefined }) {
  const { state, doing, error } = check;
  const { held = 0, denied = 0, abstained = 0, lost = 0 } = counts ?? {};
  const found = `held ${count(held)}, denied ${count(denied)}, abstained ${count(abstained)}`;
  return (
    <li class="actor-line" title={`${state}: ${error ?? doing}; ${found}`}>
      <span class={`actor-state ${STATES[state]}`}>{nameOf(check)}</span>
      <span>{count(lost)}</span>
    </li>
  );
}

/** `checker-premises` is the actor of `premises`. */
function nameOf({ id, role }: Actor): string {
  return id.slice(role.length + 1);
}
