/** The metrics of the workers of a cluster; none in a run that no worker can join. */
import { Gauge, type Registry } from 'prom-client';
import { lagOf } from '../../src/protocol/frames.ts';
import type { Status, WorkerStatus } from '../../src/protocol/status.ts';

const STATES: readonly WorkerStatus['state'][] = ['opening', 'working', 'draining', 'parked', 'left'];

export function fillWorkers(registry: Registry): (status: Status) => void {
  const registers = [registry];
  const states = new Gauge({
    name: 'quorum_workers',
    help: 'Workers on other machines by state; one that left is counted for ten minutes.',
    labelNames: ['state'],
    registers,
  });
  const rate = new Gauge({
    name: 'quorum_worker_groups_per_second',
    help: 'Groups taken from the worker over the last minute.',
    labelNames: ['worker', 'host'],
    registers,
  });
  const passes = new Gauge({
    name: 'quorum_worker_passes',
    help: 'Passes of the learner whose gradients were taken from the worker.',
    labelNames: ['worker', 'host'],
    registers,
  });
  const lag = new Gauge({
    name: 'quorum_worker_lag_versions',
    help: 'Versions between what the worker worked with last and the newest.',
    labelNames: ['worker', 'host'],
    registers,
  });
  const sent = new Gauge({
    name: 'quorum_worker_sent_bytes',
    help: 'Bytes that the worker has sent over NATS and HTTP since its start.',
    labelNames: ['worker', 'host'],
    registers,
  });
  const received = new Gauge({
    name: 'quorum_worker_received_bytes',
    help: 'Bytes that the worker has received over NATS and HTTP since its start.',
    labelNames: ['worker', 'host'],
    registers,
  });
  return ({ workers, version }) => {
    for (const gauge of [states, rate, passes, lag, sent, received]) gauge.reset();
    if (workers === undefined) return;
    for (const state of STATES) states.set({ state }, workers.filter((worker) => worker.state === state).length);
    for (const worker of workers) {
      if (worker.state === 'left') continue;
      const labels = { worker: worker.name, host: worker.host };
      rate.set(labels, worker.groupsPerSecond);
      passes.set(labels, worker.passes);
      sent.set(labels, worker.sentBytes);
      received.set(labels, worker.receivedBytes);
      const behind = lagOf(worker, version);
      if (behind !== null) lag.set(labels, behind);
    }
  };
}
