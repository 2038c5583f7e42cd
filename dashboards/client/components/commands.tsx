import { useState } from 'preact/hooks';
import { COMMANDS, FULL_EVALUATION, type LoopCommand } from '../../../src/protocol/commands.ts';
import { isPausing, type Live } from '../../../src/protocol/frames.ts';
import { count, duration } from '../format.ts';
import { useConnectionState, useLive } from '../session.ts';
import { Confirm } from './confirm.tsx';
import { Panel } from './panel.tsx';
import { useCommand } from './use-command.ts';

interface Offer {
  readonly command: LoopCommand;
  readonly title: string;
  readonly button: string;
  /** Replaces the command's own help. */
  readonly help?: string;
  /** Question to confirm a command that cannot be undone. */
  readonly confirm?: (live: Live) => string;
}

const PAUSE: Offer = { command: { type: 'pause' }, title: 'Pause', button: 'Pause' };
const RESUME: Offer = { command: { type: 'resume' }, title: 'Resume', button: 'Resume' };
const OFFERS: readonly Offer[] = [
  { command: { type: 'evaluate', full: false }, title: 'Evaluate now', button: 'Quick evaluation' },
  {
    command: { type: 'evaluate', full: true },
    title: 'Evaluate in full',
    button: 'Full evaluation',
    help: FULL_EVALUATION,
  },
  { command: { type: 'checkpoint' }, title: 'Checkpoint now', button: 'Save a checkpoint' },
  {
    command: { type: 'stop' },
    title: 'Stop',
    button: 'Stop …',
    confirm: ({ version }) =>
      `The step in hand is finished, version ${count(version)} or the next one is saved, and the process ends. It cannot be started again from here: that takes "quorum start" on its machine.`,
  },
];

export function Commands() {
  const phase = useLive((live) => live.phase);
  const pausing = useLive(isPausing) === true;
  const offers = [phase === 'paused' || pausing ? RESUME : PAUSE, ...OFFERS];
  return (
    <>
      <Panel title="Commands" flush>
        <ul class="commands">
          {offers.map((offer) => (
            <CommandRow key={offer.title} offer={offer} phase={phase} />
          ))}
        </ul>
      </Panel>
      <InHand />
    </>
  );
}

/**
 * Commands from all pages and terminals that are not done yet; the daemon completes them even if their page is closed.
 */
function InHand() {
  const commands = useLive((live) => live.commands) ?? [];
  const at = useLive((live) => live.at) ?? 0;
  if (commands.length === 0) return null;
  return (
    <Panel title="In hand" flush>
      <ul class="commands" aria-label="Commands in hand">
        {commands.map(({ type, text, author, since, behind }) => (
          <li key={`${type} ${since}`} class="command">
            <div class="grow">
              <h3>{type === 'pause' ? `pausing: ${behind}` : text}</h3>
              <p class="muted">
                {author}, {duration(Math.max(0, Math.floor((at - since) / 1000)))}
                {behind === null || type === 'pause' ? null : `; waits for: ${behind}`}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function CommandRow({ offer, phase }: { readonly offer: Offer; readonly phase: Live['phase'] | undefined }) {
  const { pending, error, done, run } = useCommand();
  const [asking, setAsking] = useState(false);
  const live = useLive((value) => value);
  const open = useConnectionState().type === 'open';
  const { help, phases } = COMMANDS[offer.command.type];
  const possible = open && phase !== undefined && phases.includes(phase);
  const danger = offer.command.type === 'stop';
  const doIt = () => run(offer.command);
  const click = () => {
    if (offer.confirm !== undefined) return setAsking(true);
    void doIt().catch(() => undefined); // the button shows the error
  };
  return (
    <li class="command">
      <div class="grow">
        <h3>{offer.title}</h3>
        <p class="muted">{offer.help ?? help}</p>
      </div>
      <p class="command-outcome">
        {error === undefined ? (
          <span class="muted">{pending ? '' : done}</span>
        ) : (
          <span class="field-error">{error}</span>
        )}
      </p>
      <button
        type="button"
        class={`button${danger ? ' danger' : ''}`}
        disabled={!possible || pending}
        title={possible || phase === undefined ? undefined : `Not while ${phase}`}
        onClick={click}
      >
        {pending ? 'Working …' : offer.button}
      </button>
      {asking && live !== undefined && offer.confirm !== undefined ? (
        <Confirm
          title={`${offer.title} the daemon?`}
          action={offer.title}
          danger={danger}
          onConfirm={doIt}
          onClose={() => setAsking(false)}
        >
          {offer.confirm(live)}
        </Confirm>
      ) : null}
    </li>
  );
}
