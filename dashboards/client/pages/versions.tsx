/**
 * Page "Versions": every version of the policy, and two of them side by side on the same held-out questions
 * (`compare?a=…&b=…`).
 */
import './versions.css';
import { useCallback, useState } from 'preact/hooks';
import { doneWords, type Command } from '../../../src/protocol/commands.ts';
import type { VersionRow } from '../../../src/protocol/frames.ts';
import { Confirm } from '../components/confirm.tsx';
import { Empty, Failure, Loading } from '../components/notice.tsx';
import { Older, usePaged } from '../components/paged.tsx';
import { Panel } from '../components/panel.tsx';
import { Segments } from '../components/segments.tsx';
import { count } from '../format.ts';
import { href, navigate, type PageProps } from '../router.ts';
import { announce, connection, useAccess, useLive } from '../session.ts';
import { CompareView, ComparePicker } from './versions-compare.tsx';
import { Lineage } from './versions-lineage.tsx';
import { VersionTable } from './versions-table.tsx';

const PAGE = 50;

type Only = 'all' | 'evaluated' | 'saved';

export function Versions({ rest, query }: PageProps) {
  if (rest[0] === 'compare') return <CompareView query={query} />;
  return <List query={query} />;
}

function List({ query }: { readonly query: PageProps['query'] }) {
  const only: Only = query['only'] === 'evaluated' || query['only'] === 'saved' ? query['only'] : 'all';
  const ask = useCallback(
    async (before: number | undefined) => {
      const { versions, next } = await connection.request('versions', {
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
        ...(only === 'all' ? {} : { only }),
      });
      return { items: versions, next };
    },
    [only],
  );
  const paged = usePaged<VersionRow>(only, ask);
  const newest = useLive((live) => live.version);
  const shown = paged.items?.[0]?.n;
  const behind = only === 'all' && newest !== undefined && shown !== undefined && newest > shown ? newest - shown : 0;
  const [back, setBack] = useState<VersionRow | null>(null);
  const control = useAccess() === 'control';
  return (
    <div class="stack">
      <ComparePicker a={undefined} b={undefined} />
      <Lineage newest={newest} />
      <Panel
        title="Versions"
        class="versions-panel"
        flush
        actions={
          <>
            <button
              type="button"
              class={`button small${behind === 0 ? ' unseen' : ''}`}
              disabled={behind === 0}
              onClick={paged.again}
            >
              {count(behind)} new
            </button>
            <Segments
              label="Which versions"
              value={only}
              options={[
                ['all', 'All'],
                ['evaluated', 'Evaluated'],
                ['saved', 'On disk'],
              ]}
              onChange={(value) =>
                navigate(href('versions', [], { only: value === 'all' ? undefined : value }), { replace: true })
              }
            />
          </>
        }
      >
        {paged.items === undefined ? (
          paged.error === undefined ? (
            <Loading lines={8} />
          ) : (
            <Failure error={paged.error} again={paged.again} />
          )
        ) : null}
        {paged.items?.length === 0 ? <NoVersions only={only} /> : null}
        {paged.items === undefined || paged.items.length === 0 ? null : (
          <VersionTable rows={paged.items} newest={newest} onRollBack={control ? setBack : undefined} />
        )}
        {paged.items === undefined ? null : <Older paged={paged}>Older versions</Older>}
      </Panel>
      {back === null ? null : (
        <RollBack to={back.n} newest={newest ?? back.n} onClose={() => setBack(null)} onDone={paged.again} />
      )}
    </div>
  );
}

function NoVersions({ only }: { readonly only: Only }) {
  if (only === 'evaluated')
    return (
      <Empty title="No version was evaluated yet">
        Evaluate one now on the Control page, or wait for the next evaluation of the loop.
      </Empty>
    );
  if (only === 'saved')
    return (
      <Empty title="No version is on disk">
        Checkpoints are written every few steps and when the daemon stops. Write one now on the Control page.
      </Empty>
    );
  return <Empty title="No versions yet">Version 0 is the base model; it is listed as soon as the loop begins.</Empty>;
}

interface RollBackProps {
  readonly to: number;
  readonly newest: number;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function RollBack({ to, newest, onClose, onDone }: RollBackProps) {
  const undone = newest - to;
  const confirm = async () => {
    const command: Command = { type: 'rollback', version: to };
    announce((await connection.command(command)) ?? doneWords(command));
    onDone();
  };
  return (
    <Confirm
      title={`Roll back to version ${to}?`}
      action={`Roll back to ${to}`}
      danger
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        Learning continues from the weights of version {to}, as a new version. What the {count(undone)}{' '}
        {undone === 1 ? 'version' : 'versions'} after it learnt is no longer in the policy;{' '}
        {undone === 1 ? 'it stays' : 'they stay'} in this list, and {undone === 1 ? 'its' : 'their'} groups in the
        store.
      </p>
      <p>The command and its author are written to the event log.</p>
    </Confirm>
  );
}
