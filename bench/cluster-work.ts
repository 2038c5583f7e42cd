/** A process of bench/cluster.ts: the daemon, or a worker. Its argument is JSON of `ClusterWork`. */
import { join } from 'node:path';
import { Worker } from '../src/cluster/worker.ts';
import { parseConfig } from '../src/config/load.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import type { Status } from '../src/protocol/status.ts';
import { SAMPLING, sleepingPolicy, sleepingSampler } from './cluster-policy.ts';

export type ClusterWork =
  | {
      readonly role: 'daemon';
      readonly nats: string;
      /** An empty folder. */
      readonly folder: string;
      readonly questions: string;
      readonly model: string;
      readonly weightBytes: number;
      readonly workers: number;
    }
  | {
      readonly role: 'worker';
      readonly nats: string;
      readonly folder: string;
      readonly name: string;
      /** Of a job. */
      readonly milliseconds: number;
    };

/** The bench asks the daemon; it answers each with its status. */
export type Ask = 'status' | 'pause';

export interface Told {
  readonly status: Pick<Status, 'version' | 'groups' | 'staleness' | 'workers'>;
  /** Resident, of the daemon. */
  readonly rssBytes: number;
}

/** Questions of a job. */
export const JOB_QUESTIONS = 4;

async function runDaemon(work: Extract<ClusterWork, { role: 'daemon' }>): Promise<void> {
  const config = parseConfig({
    model: work.model,
    runFolder: join(work.folder, 'run'),
    data: { type: 'jsonl', trainFile: work.questions, heldOutShare: 0 },
    sampling: SAMPLING,
    learner: { klCoefficient: 0.01 },
    loop: { batchGroups: 32, jobQuestions: JOB_QUESTIONS, maxStaleness: 2 },
    cluster: { nats: work.nats, jobs: Math.max(1, 2 * work.workers) },
    dashboard: { port: null },
  });
  const daemon = await startDaemon(config, { createPolicy: () => sleepingPolicy(work.weightBytes) });
  const tell = (): void => {
    const { version, groups, staleness, workers } = daemon.status();
    const told: Told = {
      status: { version, groups, staleness, ...(workers && { workers }) },
      rssBytes: process.memoryUsage.rss(),
    };
    process.send!(told);
  };
  process.on('message', (ask: Ask) => void (ask === 'pause' ? daemon.pause().then(tell) : tell()));
  process.on('SIGTERM', () => void daemon.stop().then(() => process.exit()));
  tell();
  const { error } = await daemon.closed();
  if (error !== undefined) throw new Error(error);
}

async function runWorker({ nats, folder, name, milliseconds }: Extract<ClusterWork, { role: 'worker' }>) {
  const worker = await Worker.start({
    join: nats,
    cluster: 'quorum',
    name,
    devices: ['cpu'],
    cache: folder,
    say: () => {},
    open: async (_, weightsOf) => sleepingSampler(milliseconds, weightsOf),
  });
  process.once('SIGTERM', () => worker.drain('the measurement is over'));
  await worker.run();
  process.exit();
}

process.once('disconnect', () => process.exit(1)); // the bench was killed
const work = JSON.parse(process.argv[2]!) as ClusterWork;
await (work.role === 'daemon' ? runDaemon(work) : runWorker(work));
