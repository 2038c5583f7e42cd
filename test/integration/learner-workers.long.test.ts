/** Learner workers in processes of their own: the weights are those of the daemon alone, whatever happens to them. */
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { DaemonHandle } from '../../src/daemon/daemon-handle.ts';
import { learntAlone, learntBy, LEARNING, startLearning } from '../support/learner-cluster.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { runningFirst, startWorker, workersOf } from '../support/worker-process.ts';

const LIMIT = 300_000;
const LORA = { ...LEARNING, learner: { ...LEARNING.learner, adapter: { type: 'lora', rank: 4 } } } as const;

const startLearner = (url: string, name: string, roles = 'learner', environment: NodeJS.ProcessEnv = {}) =>
  startWorker(['--join', url, '--name', name, '--roles', roles, '--cache', temporaryFolder()], environment);

/** A worker on a slow network: it holds each pass for longer than the time between two heartbeats. */
const SLOW = runningFirst(`
  const { fetch } = globalThis;
  globalThis.fetch = async (url, options) => {
    if (options?.method === 'PUT') await new Promise((go) => setTimeout(go, 1_500));
    return fetch(url, options);
  };
`);
const passesOf = (daemon: DaemonHandle): number =>
  (daemon.status().workers ?? []).reduce((sum, { passes }) => sum + passes, 0);

describe.skipIf(!HAS_NATS)('with a real nats-server', { timeout: LIMIT }, () => {
  /** The outcome of a run with so many learner workers. */
  async function learntWith(input: ConfigInput, workers: number, roles?: string) {
    const nats = await natsServer();
    for (let i = 0; i < workers; i++) startLearner(nats.url, `worker-${i}`, roles);
    const daemon = await startLearning({ ...input, cluster: { nats: nats.url } }, workers);
    const outcome = await learntBy(daemon);
    expect(passesOf(daemon)).toBeGreaterThan(0);
    return outcome;
  }

  test.each([1, 2, 3])('%i workers: the weights of the daemon alone, to the bit', async (workers) => {
    expect(await learntWith(LEARNING, workers)).toEqual(await learntAlone(LEARNING));
  });

  test('an adapter, with a worker that samples too', async () => {
    expect(await learntWith(LORA, 1, 'sampler,learner')).toEqual(await learntAlone(LORA));
  });

  test('a worker that is killed in the middle of a pass loses it to the daemon', async () => {
    const nats = await natsServer();
    const worker = startLearner(nats.url, 'killed', 'learner', SLOW);
    const daemon = await startLearning({ ...LEARNING, cluster: { nats: nats.url, leaseSeconds: 2 } }, 1);
    await workersOf(daemon, ([each]) => each!.holds > 0);
    worker.child.kill('SIGKILL');
    expect(await learntBy(daemon)).toEqual(await learntAlone(LEARNING));
    expect(daemon.status().workers).toMatchObject([{ name: 'killed', roles: ['learner'] }]);
  });

  test('a worker that is suspended in the middle of a pass loses it to the daemon', async () => {
    const nats = await natsServer();
    const worker = startLearner(nats.url, 'stopped', 'learner', SLOW);
    const daemon = await startLearning({ ...LEARNING, cluster: { nats: nats.url, leaseSeconds: 2 } }, 1);
    await workersOf(daemon, ([each]) => each!.holds > 0);
    worker.child.kill('SIGSTOP');
    expect(await learntBy(daemon)).toEqual(await learntAlone(LEARNING));
  });

  test('a NATS server that is killed in the middle of a pass and starts again changes nothing', async () => {
    const nats = await natsServer();
    startLearner(nats.url, 'one', 'learner', SLOW);
    const daemon = await startLearning({ ...LEARNING, cluster: { nats: nats.url, leaseSeconds: 2 } }, 1);
    await workersOf(daemon, ([each]) => each!.holds > 0);
    await nats.kill();
    await nats.start();
    expect(await learntBy(daemon)).toEqual(await learntAlone(LEARNING));
  });

  test('a worker computes again once the NATS server is back', async () => {
    const nats = await natsServer();
    startLearner(nats.url, 'one');
    const endless = { ...LEARNING, loop: { ...LEARNING.loop, steps: 1_000 } };
    const daemon = await startLearning({ ...endless, cluster: { nats: nats.url, leaseSeconds: 2 } }, 1);
    await workersOf(daemon, ([each]) => each!.passes > 0);
    await nats.kill();
    const before = passesOf(daemon);
    await nats.start();
    const [after] = await workersOf(daemon, ([each]) => each!.passes > before);
    expect(after!.state).toBe('working');
  });
});
