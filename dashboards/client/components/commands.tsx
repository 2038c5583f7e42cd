import { useState } from 'preact/hooks';
import { isPausing, type Command, type Live } from '../../../src/protocol/frames.ts';
import { count, duration } from '../format.ts';
import { useConnectionState, useLive } from '../session.ts';
import { Confirm } from './confirm.tsx';
import { Panel } from './panel.tsx';
import { useCommand } from './use-command.ts';

interface Offer {
  readonly command: Command;
  readonly title: string;
  readonly help: string;
  readonly button: string;
  /** Said when it is done. */
  readonly done: string;
  /** Phases in which it makes sense. */
  readonly in: readonly Live['phase'][];
  /** Asked before it is done, where it cannot be undone. */
  readonly confirm?: (live: Live) => string;
}

const ALIVE: readonly Live['phase'][] = ['starting', 'baseline', 'running', 'paused'];

const PAUSE: Offer = {
  command: { type: 'pause' },
  title: 'Pause',
  help: 'Finishes what is in hand, then waits. Nothing is lost.',
  button: 'Pause',
  done: 'Paused.',
  in: ['baseline', 'running'],
};
const RESUME: Offer = {
  command: { type: 'resume' },
  title: 'Resume',
  help: 'The loop continues from where it waits.',
  button: 'Resume',
  done: 'Running again.',
  in: ['starting', 'baseline', 'running', 'paused'],
};
const OFFERS: readonly Offer[] = [
  {
    command: { type: 'evaluate', full: false },
    title: 'Evaluate now',
    help: 'Greedy answers to the held-out questions with the newest version: its accuracy, or what shows without labels.',
    button: 'Quick evaluation',
    done: 'Evaluated.',
    in: ['running', 'paused'],
  },
  {
    command: { type: 'evaluate', full: true },
    title: 'Evaluate in full',
    help: 'Also pass@1, maj@k and pass@k from several samples a question, where the questions have labels. Takes longer.',
    button: 'Full evaluation',
    done: 'Evaluated in full.',
    in: ['running', 'paused'],
  },
  {
    command: { type: 'checkpoint' },
    title: 'Checkpoint now',
    help: 'Saves the newest version as a Hugging Face folder.',
    button: 'Save a checkpoint',
    done: 'Saved.',
    in: ['running', 'paused'],
  },
  {
    command: { type: 'stop' },
    title: 'Stop',
    help: 'Finishes the step in hand, saves, and ends the daemon.',
    button: 'Stop …',
    done: 'The daemon is stopping.',
    in: ALIVE,
    confirm: ({ version }) =>
      `The step in hand is finished, version ${count(version)} or the one after it is saved, and the process ends. It cannot be started again from here: that takes "quorum start" on its machine.`,
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

/** What anyone asked of the daemon and is not done: it belongs to the daemon, also when the page that asked is closed. */
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
  const possible = open && phase !== undefined && offer.in.includes(phase);
  const danger = offer.command.type === 'stop';
  const doIt = () => run(offer.command, offer.done);
  const click = () => {
    if (offer.confirm !== undefined) return setAsking(true);
    void doIt().catch(() => undefined); // the button shows the error
  };
  return (
    <li class="command">
      <div class="grow">
        <h3>{offer.title}</h3>
        <p class="muted">{offer.help}</p>
      </div>
      <p class="command-outcome">
        {error === undefined ? <span class="muted">{pending ? '' : done}</span> : <span class="field-error">{error}</span>}
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
        <Confirm title={`${offer.title} the daemon?`} action={offer.title} danger={danger} onConfirm={doIt} onClose={() => setAsking(false)}>
          {offer.confirm(live)}
        </Confirm>
      ) : null}
    </li>
  );
}
