/** Kills, again and again, what a cluster is made of: the run stays the one that the daemon has alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/data/rng.ts';
import { chaos, chaosInput, contentsOf, faultsAfterDeath, KILLS, LIMIT, SEED } from '../support/chaos.ts';
import { areWorking, outcomeOf, startToy, TOY_INPUT, workHere } from '../support/cluster.ts';
import { launchToy } from '../support/launch.ts';
import { freePort } from '../support/free-port.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { workerBehindNetwork } from '../support/network.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startToyWorker, workersOf } from '../support/worker-process.ts';

const WORKERS = 200;
/** Processes at a time. */
const MACHINES = 3;

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  test(
    'two hundred workers that are killed at random points lose nothing, and nothing counts twice',
    LIMIT,
    async () => {
      const nats = await natsServer();
      const [random, folder] = [new Random(SEED, 'deaths of workers'), temporaryFolder()];
      const endless = { ...chaosInput(0), loop: { ...chaosInput(0).loop, steps: 100_000 } };
      const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 0.5, checkShare: 0 }, endless, { folder });
      const waiting = Array.from({ length: WORKERS / 4 }, (_, m) => [0, 1, 2, 3].map((i) => `worker-${m}-${i}`));
      let killed = 0;
      /** One process after the other, of four workers each; one in eight dies before its workers have joined. */
      const machine = async (): Promise<void> => {
        for (let names = waiting.pop(); names; names = waiting.pop()) {
          const worker = startToyWorker(nats.url, names.join(','), 10);
          if (!random.chance(1 / 8)) await worker.said(`joined the daemon as ${names[3]}`);
          await sleep(random.int(0, 600));
          expect(worker.child.exitCode).toBeNull();
          worker.child.kill('SIGKILL');
          await worker.exited;
          killed += names.length;
        }
      };
      await Promise.all(Array.from({ length: MACHINES }, machine));
      const { workers = [] } = daemon.status();
      const { steps } = await daemon.stop();
      expect(killed).toBe(WORKERS);
      expect(workers.filter(({ groups }) => groups > 0).length).toBeGreaterThan(WORKERS / 10);
      expect(steps).toBeGreaterThan(10);
      expect(await faultsAfterDeath(folder, undefined, undefined)).toEqual([]);
      const alone = temporaryFolder();
      const input = { ...endless, loop: { ...endless.loop, steps } };
      await (await startToy(undefined, input, { folder: alone })).daemon.closed();
      expect(await faultsAfterDeath(alone, undefined, contentsOf(folder))).toEqual([]);
      expect(contentsOf(alone).batches).toHaveLength(steps);
    },
  );

  test('a worker whose network is cut for a minute notices it, waits, and works on', LIMIT, async () => {
    const [nats, http] = [await natsServer(), await freePort()];
    const worker = await workerBehindNetwork('far', { nats: nats.port, http }, 20);
    const cluster = { nats: nats.url, host: '127.0.0.1', port: http, leaseSeconds: 1, checkShare: 0 };
    const input = { ...TOY_INPUT, loop: { ...TOY_INPUT.loop, steps: 30 } };
    const { daemon } = await startToy(cluster, input);
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    await workersOf(daemon, ([far]) => far!.holds > 0);
    worker.cut();
    const minute = sleep(60_000);
    await daemon.pause(); // once the daemon has done what the worker had in hand
    await minute;
    expect(worker.output()).toMatch(/the connection to NATS at .* is lost/);
    worker.mend();
    const [far] = await workersOf(daemon, areWorking(1));
    expect(worker.output()).toMatch(/the connection to NATS at .* is back/);
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await outcomeOf((await startToy(undefined, input)).daemon));
    expect(daemon.status().workers![0]!.groups).toBeGreaterThan(far!.groups);
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
