/** Runs of the toy policy with workers: what they sample is what the daemon alone samples. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { Worker, type WorkerOptions } from '../../src/cluster/worker.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { WorkerStatus } from '../../src/protocol/status.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from './temporary.ts';
import { ToyPolicy, type ToyFaults } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

export const TOY_INPUT = {
  seed: 7,
  loop: { steps: 6, batchGroups: 4, jobQuestions: 2, maxStaleness: 0 },
  filters: { dropAllAgree: false },
} satisfies ConfigInput;

/** @param cluster settings; absent: no workers. @param faults of the policy in the daemon. */
export async function startToy(
  cluster?: ConfigInput['cluster'],
  input: ConfigInput = TOY_INPUT,
  { folder, faults = {} }: { readonly folder?: string; readonly faults?: ToyFaults } = {},
) {
  const { config } = toyRun({ ...input, ...(cluster && { cluster }) }, folder);
  const daemon = await startDaemon(config, {
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ ...(checkpoint && { checkpoint }), faults }),
  });
  onTestFinished(async () => void (await daemon.stop()));
  return { daemon, config };
}

/** For `workersOf`: whether as many workers sample. */
export const areWorking = (count: number) => (list: readonly WorkerStatus[]) =>
  list.filter(({ state }) => state === 'working').length === count;

/** A digest of everything sampled and learnt. @throws Error for a run that did not end by its steps. */
export async function outcomeOf(daemon: DaemonHandle): Promise<string> {
  const { end, error } = await daemon.closed();
  if (end !== 'steps') throw new Error(error ?? end);
  using store = openStore(join(daemon.runFolder, 'quorum.db'));
  const groups = store
    .judgedGroups(10_000)
    .map(({ group }) => JSON.stringify([group.id, group.policyVersion, group.samples]));
  const batches = store.batchesSince(0).map((batch) => batch.groups.map(({ group }) => group.id));
  return createHash('sha256')
    .update(JSON.stringify([groups.toSorted(), batches]))
    .digest('hex');
}

/** In this process. @param options besides the address. */
export async function workHere(
  url: string,
  name: string,
  faults: ToyFaults = {},
  options: Partial<WorkerOptions> = {},
): Promise<Worker> {
  const worker = await Worker.start({
    join: url,
    cluster: 'quorum',
    name,
    devices: ['cpu'],
    cache: temporaryFolder(),
    say: () => {},
    open: async (_, weightsOf) => ToyPolicy.remote(weightsOf, faults),
    ...options,
  });
  const running = worker.run().catch(() => {});
  onTestFinished(async () => {
    worker.drain('the test is over');
    await running;
  });
  return worker;
}
