/** Kills, again and again, what a cluster is made of: the run stays the one that the daemon has alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/data/rng.ts';
import { chaos, chaosInput, contentsOf, KILLS, LIMIT, SEED } from '../support/chaos.ts';
import { outcomeOf, startToy, TOY_INPUT, workHere } from '../support/cluster.ts';
import { launchToy } from '../support/launch.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startToyWorker, workersOf } from '../support/worker-process.ts';

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  test('workers that are killed while they sample, one after the other, lose nothing', LIMIT, async () => {
    const nats = await natsServer();
    const random = new Random(SEED, 'deaths of workers');
    const input = { ...TOY_INPUT, loop: { ...TOY_INPUT.loop, steps: 6 * KILLS } };
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 }, input);
    await daemon.pause();
    const run = { hasEnded: false };
    const ended = daemon.closed().then(() => (run.hasEnded = true));
    let kills = 0;
    for (let i = 0; !run.hasEnded && kills < KILLS; i++) {
      const name = `worker-${i}`;
      const worker = startToyWorker(nats.url, name, 20);
      const seen = workersOf(daemon, (list) => list.some((each) => each.name === name && each.state === 'working'));
      await Promise.race([seen.catch(() => {}), ended]);
      if (i === 0) await daemon.resume();
      await Promise.race([sleep(random.int(0, 400)), ended]);
      worker.child.kill('SIGKILL');
      await worker.exited;
      if (!run.hasEnded) kills += 1;
    }
    await workHere(nats.url, 'last');
    const outcome = await outcomeOf(daemon);
    expect(kills).toBeGreaterThanOrEqual(KILLS / 2);
    expect(outcome).toBe(await outcomeOf((await startToy(undefined, input)).daemon));
  });

  test('a daemon that is killed while workers sample continues as if it had not been', LIMIT, async () => {
    const nats = await natsServer();
    const { daemon } = await startToy(undefined, chaosInput(0), { folder: temporaryFolder() });
    await daemon.closed();
    const alone = contentsOf(daemon.runFolder.replace(/\/run$/, ''));
    for (const name of ['one', 'two']) await workHere(nats.url, name, { beforeSample: () => sleep(5) });
    const input = { ...chaosInput(0), cluster: { nats: nats.url, leaseSeconds: 1, checkShare: 0 } };
    const folder = temporaryFolder();
    const { kills } = await chaos(folder, input, { kills: KILLS, seed: SEED, alone, launch: launchToy });
    expect(kills).toBe(KILLS);
  });
});
