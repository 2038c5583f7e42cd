/** The workers on other machines that sample or compute gradients for this daemon. Absent where `cluster.nats` is null. */
import './actors-workers.css';
import { lagOf, type Live } from '../../../src/protocol/frames.ts';
import { Badge, type Tone } from '../components/badge.tsx';
import { Empty } from '../components/notice.tsx';
import { Panel } from '../components/panel.tsx';
import { Since } from '../components/time.tsx';
import { bytes, count, rate } from '../format.ts';
import { useLive } from '../session.ts';

type WorkerStatus = NonNullable<Live['workers']>[number];

const TONES: Readonly<Record<WorkerStatus['state'], Tone>> = {
  opening: 'info',
  working: 'ok',
  draining: 'warn',
  parked: 'bad',
  left: 'neutral',
};
/** A page with more rows is slow. */
const MOST_ROWS = 100;

export function WorkersPanel() {
  const workers = useLive((live) => live.workers);
  const newest = useLive((live) => live.version) ?? 0;
  if (workers === undefined) return null;
  const working = workers.filter(({ state }) => state === 'working').length;
  return (
    <Panel
      title="Workers"
      flush
      class="workers"
      actions={
        workers.length === 0 ? undefined : <span class="muted">{`${working} of ${workers.length} working`}</span>
      }
    >
      {workers.length === 0 ? (
        <Empty title="No worker has joined">Start one on any machine with "quorum worker".</Empty>
      ) : (
        <Table workers={workers} newest={newest} />
      )}
    </Panel>
  );
}

function Table({ workers, newest }: { readonly workers: readonly WorkerStatus[]; readonly newest: number }) {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Workers">
      <table class="table">
        <thead>
          <tr>
            {['Name', 'Host', 'Devices', 'Roles'].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            {['Version', 'Behind', 'Groups', 'Rate', 'Passes', 'Sent', 'Received', 'Last seen'].map((head) => (
              <th key={head} scope="col" class="right">
                {head}
              </th>
            ))}
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {workers.slice(0, MOST_ROWS).map((worker) => (
            <Row key={`${worker.host} ${worker.pid} ${worker.name}`} worker={worker} newest={newest} />
          ))}
        </tbody>
      </table>
      {workers.length > MOST_ROWS ? (
        <p class="muted workers-more">
          The first {MOST_ROWS} of {count(workers.length)}; "quorum workers" lists all.
        </p>
      ) : null}
    </div>
  );
}

function Row({ worker, newest }: { readonly worker: WorkerStatus; readonly newest: number }) {
  return (
    <tr data-worker={worker.name}>
      <th scope="row">{worker.name}</th>
      <td>{worker.host}</td>
      <td class="mono">{worker.devices.join(', ')}</td>
      <td>{worker.roles.join(', ')}</td>
      <td class="right">{count(worker.version)}</td>
      <td class="right">{count(lagOf(worker, newest))}</td>
      <td class="right">{count(worker.groups)}</td>
      <td class="right">{rate(worker.groupsPerSecond)}</td>
      <td class="right">{count(worker.passes)}</td>
      <td class="right">{bytes(worker.sentBytes)}</td>
      <td class="right">{bytes(worker.receivedBytes)}</td>
      <td class="right">
        <Since at={worker.at} /> ago
      </td>
      <td>
        <Badge dot tone={TONES[worker.state]}>
          {worker.state}
        </Badge>
        {worker.why === undefined ? null : <p class="field-error">{worker.why}</p>}
      </td>
    </tr>
  );
}
