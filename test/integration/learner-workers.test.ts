import { describe, expect, test } from 'vitest';
import type { WorkerOptions } from '../../src/cluster/worker.ts';
import { workHere } from '../support/cluster.ts';
import { learntAlone, learntBy, LEARNING, startLearning } from '../support/learner-cluster.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { negated } from '../support/shared-passes.ts';

const LEARNER = { roles: ['learner'], open: undefined } satisfies Partial<WorkerOptions>;

describe.skipIf(!HAS_NATS)('with a real nats-server', { timeout: 240_000 }, () => {
  test('a worker that learns gives gradients of passes, and the weights are those of the daemon alone', async () => {
    const nats = await natsServer();
    await workHere(nats.url, 'one', {}, LEARNER);
    const cluster = { nats: nats.url, checkShare: 1, gradientTolerance: 1e-12 };
    const daemon = await startLearning({ ...LEARNING, cluster }, 1);
    expect(await learntBy(daemon)).toEqual(await learntAlone(LEARNING));
    const [worker] = daemon.status().workers ?? [];
    expect(worker).toMatchObject({ roles: ['learner'], state: 'working', groups: 0 });
    expect(worker!.passes).toBeGreaterThan(0);
  });

  test('a worker that gives a wrong gradient is parked, and its step is taken again without it', async () => {
    const nats = await natsServer();
    await workHere(nats.url, 'liar', {}, { ...LEARNER, alter: negated });
    const daemon = await startLearning({ ...LEARNING, cluster: { nats: nats.url } }, 1);
    expect(await learntBy(daemon)).toEqual(await learntAlone(LEARNING));
    const [worker] = daemon.status().workers ?? [];
    expect(worker).toMatchObject({ name: 'liar', state: 'parked' });
    expect(worker!.why).toBe(
      "its gradient of a pass differs from the daemon's by 2.0 times the norm of the daemon's; other hardware explains at most 0.1 (`cluster.gradientTolerance`)",
    );
  });
});
