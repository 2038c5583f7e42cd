/** Says that the page is not live, or that the loop has paused by itself, why, and what happens next. */
import type { ConnectionState } from '../connection.ts';
import type { Live } from '../../../src/protocol/frames.ts';
import { href } from '../router.ts';
import { connection, useConnectionState, useLive } from '../session.ts';
import { useSeconds } from './time.tsx';

export function ConnectionBanner() {
  const state = useConnectionState();
  const phase = useLive((live) => live.phase);
  const held = useLive((live) => live.held);
  if (state.type === 'refused') return <Refused state={state} />;
  if (state.type === 'lost') return <Lost state={state} phase={phase} />;
  return held === undefined ? null : <Held why={held} />;
}

function Held({ why }: { readonly why: string }) {
  return (
    <div class="banner bad" role="alert">
      <span class="grow">Learning is paused: {why}. Look at it, then resume or stop.</span>
      <a class="button small" href={href('control')}>
        Control
      </a>
    </div>
  );
}

function Refused({ state }: { readonly state: Extract<ConnectionState, { type: 'refused' }> }) {
  return (
    <div class="banner bad" role="alert">
      <span class="grow">
        {state.reason}{' '}
        {state.why === 'token'
          ? 'Open the address with the token that the daemon was started with.'
          : 'Load the page again to get the matching one.'}
      </span>
      <button type="button" class="button small" onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  );
}

function Lost({
  state,
  phase,
}: {
  readonly state: Extract<ConnectionState, { type: 'lost' }>;
  readonly phase: Live['phase'] | undefined;
}) {
  const now = useSeconds();
  const wait = state.retryAt === null ? 0 : Math.max(1, Math.ceil((state.retryAt - now) / 1000));
  const ended =
    state.ended || phase === 'stopping' || phase === 'draining' || phase === 'stopped' || phase === 'failed';
  return (
    <div class="banner" role="status">
      <span class="grow">
        {ended
          ? `The daemon has ${phase === 'failed' ? 'failed' : 'stopped'}; start it again with "quorum start".`
          : 'Connection lost.'}{' '}
        <span aria-hidden="true">{state.retryAt === null ? 'Trying …' : `Trying again in ${wait} s`}</span>
      </span>
      <button
        type="button"
        class="button small"
        disabled={state.retryAt === null}
        onClick={() => connection.retryNow()}
      >
        Retry now
      </button>
    </div>
  );
}
