/**
 * The two queues of a cluster in JetStream. A lease stays in `jobs` until its worker has sent all its groups; a worker
 * that does not renew it within the time of a lease loses it to another one. A group stays in `groups` until the daemon's
 * store has it. Both deliver at least once.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../protocol/errors.ts';

/**
 * Subjects, streams and consumers of a cluster. What a worker publishes and reads has its name in the subject, so that
 * credentials can be limited to one worker. @see keyOf for `worker`
 */
export function namesOf(cluster: string) {
  return {
    jobs: `${cluster}-jobs`,
    jobsSubject: `${cluster}.jobs`,
    samplers: 'samplers',
    groups: `${cluster}-groups`,
    groupsSubject: (worker: string) => `${cluster}.groups.${worker}`,
    store: 'store',
    beats: (worker: string) => `${cluster}.beat.${worker}`,
    passes: (worker: string) => `${cluster}.passes.${worker}`,
    daemon: `${cluster}.daemon`,
    /** Prefixes of the subjects that replies and messages of a queue come by. */
    inbox: (name: string) => `${cluster}.inbox.${name}`,
    daemonInbox: `${cluster}.daemon-inbox`,
  };
}

/** All workers, as an argument of `groupsSubject`, `beats` and `passes`. */
export const ANY_WORKER = '*.*';

/** The key of the worker that published by this subject. */
export function workerOf(subject: string): string {
  return subject.split('.').slice(-2).join('.');
}

const MOST_JOBS = 4_096;
const MOST_GROUPS = 65_536;
const MOST_BYTES = 1_000_000_000;
const NANOSECONDS = 1e9;
/** A group that the store does not have yet is delivered again after this time. */
const STORE_SECONDS = 60;
const REQUEST_MILLISECONDS = 10_000;
const PUBLISH_MILLISECONDS = 2_000;
const PUBLISH_ATTEMPTS = 5;
const REST_MILLISECONDS = 300;

export interface Queues {
  readonly publisher: JetStreamClient;
  readonly manager: JetStreamManager;
}

export async function queuesOf(connection: NatsConnection): Promise<Queues> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_MILLISECONDS });
  return { manager, publisher: jetstream(connection, { timeout: REQUEST_MILLISECONDS }) };
}

/** False where the server says that it has none. */
export async function hasJetStream({ manager }: Queues, cluster: string): Promise<boolean> {
  const { jobs, samplers } = namesOf(cluster);
  const answer = await manager.consumers.info(jobs, samplers).catch((error: Error) => error);
  return !('name' in answer) || answer.name !== 'JetStreamNotEnabled';
}

/** Makes what is missing. @throws InputError when the server has no JetStream, or streams of these names that differ. */
export async function makeQueues({ manager }: Queues, cluster: string, leaseSeconds: number): Promise<void> {
  const names = namesOf(cluster);
  const common = {
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: MOST_BYTES,
  };
  const consumer = { ack_policy: AckPolicy.Explicit, max_deliver: -1 };
  try {
    await makeStream(manager, { ...common, name: names.jobs, subjects: [names.jobsSubject], max_msgs: MOST_JOBS });
    await makeStream(manager, {
      ...common,
      name: names.groups,
      subjects: [names.groupsSubject(ANY_WORKER)],
      max_msgs: MOST_GROUPS,
    });
    await manager.consumers.add(names.jobs, {
      ...consumer,
      durable_name: names.samplers,
      ack_wait: leaseSeconds * NANOSECONDS,
    });
    await manager.consumers.add(names.groups, {
      ...consumer,
      durable_name: names.store,
      ack_wait: STORE_SECONDS * NANOSECONDS,
      max_ack_pending: MOST_GROUPS,
    });
  } catch (error) {
    throw new InputError(
      `the queues of cluster "${cluster}" cannot be made: ${(error as Error).message}; the NATS server needs JetStream (\`nats-server -js\`), and \`cluster.name\` a name of its own`,
    );
  }
}

async function makeStream(manager: JetStreamManager, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  const known = await manager.streams.info(config.name).catch(() => undefined);
  if (known === undefined) await manager.streams.add(config);
  else await manager.streams.update(config.name, config);
}

/** Publishes, with further attempts while the server is away. @throws the last error. */
export async function publish({ publisher }: Queues, subject: string, bytes: Uint8Array): Promise<void> {
  // By this id the server stores the message once, whatever the number of attempts.
  const msgID = randomUUID();
  for (let attempt = 1; ; attempt++) {
    try {
      await publisher.publish(subject, bytes, { msgID, timeout: PUBLISH_MILLISECONDS });
      return;
    } catch (error) {
      if (attempt === PUBLISH_ATTEMPTS) throw error;
      await sleep(REST_MILLISECONDS);
    }
  }
}

/** The worker's end of the queue of leases. */
export function takeLeases({ publisher }: Queues, cluster: string): Promise<Consumer> {
  const { jobs, samplers } = namesOf(cluster);
  return publisher.consumers.get(jobs, samplers);
}

/** The daemon's end of the queue of groups. */
export function takeGroups({ publisher }: Queues, cluster: string): Promise<Consumer> {
  const { groups, store } = namesOf(cluster);
  return publisher.consumers.get(groups, store);
}
