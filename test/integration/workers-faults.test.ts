/** What may be wrong with a worker, its clock, its network or its files: the run stays the one of the daemon alone. */
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { beatSchema, groupSchema, read } from '../../src/cluster/wire.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { DaemonHandle } from '../../src/daemon/daemon-handle.ts';
import { WorkerError } from '../../src/protocol/errors.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { areWorking, outcomeOf, startToy, TOY_INPUT, workHere } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { workerBehindNetwork } from '../support/network.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { runningFirst, startToyWorker, workersOf } from '../support/worker-process.ts';

const HOUR = 3_600_000;

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  const notesOf = (daemon: DaemonHandle): string[] => daemon.status().notes.map(({ text }) => text);
  const groupsOf = (daemon: DaemonHandle, worker: string): number =>
    (daemon.status().workers ?? []).reduce((sum, { name, groups }) => sum + (name === worker ? groups : 0), 0);
  const ofSteps = (steps: number) => ({ ...TOY_INPUT, loop: { ...TOY_INPUT.loop, steps } }) satisfies ConfigInput;
  const alone = async (input: ConfigInput = TOY_INPUT): Promise<string> =>
    outcomeOf((await startToy(undefined, input)).daemon);

  // The cut lasts for the eight seconds after which a worker is silent: then the daemon does its jobs.
  test.each(['mend', 'reset'] as const)(
    'a worker whose network is cut loses its jobs, and works on when it is back (%s)',
    async (how) => {
      const [nats, http] = [await natsServer(), await freePort()];
      const worker = await workerBehindNetwork('cut', { nats: nats.port, http }, 20);
      const input = ofSteps(30);
      const cluster = { nats: nats.url, host: '127.0.0.1', port: http, leaseSeconds: 1, checkShare: 0 };
      const { daemon } = await startToy(cluster, input);
      await daemon.pause();
      await workersOf(daemon, areWorking(1));
      await daemon.resume();
      await workersOf(daemon, ([each]) => each!.holds > 0);
      worker.cut();
      await daemon.pause(); // once the daemon has done what the worker had in hand
      expect(notesOf(daemon).filter((text) => text.endsWith('is silent: its jobs go to others'))).toHaveLength(1);
      expect(daemon.status().version).toBeLessThan(input.loop.steps);
      worker[how]();
      await workersOf(daemon, areWorking(1));
      const before = groupsOf(daemon, 'cut');
      await daemon.resume();
      expect(await outcomeOf(daemon)).toBe(await alone(input));
      expect(groupsOf(daemon, 'cut')).toBeGreaterThan(before);
    },
  );

  test('clocks that are off by an hour, and one that jumps, change nothing', async () => {
    const nats = await natsServer();
    for (const [name, offset] of [
      ['ahead', HOUR],
      ['behind', -HOUR],
    ] as const) {
      const shifted = `const Real = Date;
        globalThis.Date = class extends Real {
          constructor(...given) { given.length > 0 ? super(...given) : super(Real.now() + ${offset}); }
          static now() { return Real.now() + ${offset}; }
        };`;
      startToyWorker(nats.url, name, 20, runningFirst(shifted));
    }
    const clock = { offset: 0 };
    const real = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => real() + clock.offset);
    onTestFinished(() => void vi.restoreAllMocks());
    const jumps = [HOUR, 3 * HOUR, -HOUR];
    const faults = { beforeLearn: ({ parent }: Batch) => void (clock.offset = jumps[parent % jumps.length]!) };
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 }, TOY_INPUT, { faults });
    await daemon.pause();
    await workersOf(daemon, areWorking(2));
    for (const jump of jumps) {
      clock.offset = jump;
      await workersOf(daemon, (list) => list.every(({ at }) => Math.abs(at - Date.now()) < HOUR / 2));
    }
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await alone());
    expect(notesOf(daemon).filter((text) => /silent|is back|parked|samples it itself/.test(text))).toEqual([]);
    expect(['ahead', 'behind'].map((name) => groupsOf(daemon, name) > 0)).toEqual([true, true]);
  });

  test('jobs of a version that the daemon deleted too early are done by the daemon, which says so', async () => {
    const nats = await natsServer();
    await workHere(nats.url, 'here');
    const isKnown = new Set<number>();
    const beforeRead = (version: number): void => {
      if (version === 2 && isKnown.has(version)) throw new RangeError('it is deleted');
      isKnown.add(version); // the first time for its hash
    };
    const cluster = { nats: nats.url, checkShare: 0 };
    const { daemon } = await startToy(cluster, TOY_INPUT, { faults: { beforeRead } });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await alone());
    expect(notesOf(daemon)).toContainEqual(
      expect.stringMatching(
        /^a worker cannot sample a job: the daemon does not have [0-9a-f]{12} any more; the daemon samples it itself$/,
      ),
    );
    expect(groupsOf(daemon, 'here')).toBeGreaterThan(0);
    expect(daemon.status().workers).toMatchObject([{ state: 'working' }]);
  });

  test('a slow worker keeps its job beyond the time of a lease, and has no second one', async () => {
    const nats = await natsServer();
    const tap = await connect({ servers: nats.url });
    onTestFinished(() => tap.close());
    const groups: string[] = [];
    const most = new Map<string, number>();
    tap.subscribe('quorum.groups.>', {
      callback: (_, { data }) => {
        const { lease, index } = read(groupSchema, data, 'a group');
        groups.push(`${lease} ${index}`);
      },
    });
    tap.subscribe('quorum.beat.>', {
      callback: (_, { data }) => {
        const { name, holds } = read(beatSchema, data, 'a beat');
        most.set(name, Math.max(most.get(name) ?? 0, holds.length));
      },
    });
    startToyWorker(nats.url, 'slow', 2_000);
    const input = ofSteps(1);
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 }, input);
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    await workersOf(daemon, ([slow]) => slow!.holds > 0);
    await workHere(nats.url, 'fast');
    expect(await outcomeOf(daemon)).toBe(await alone(input));
    expect(groups.length).toBe(new Set(groups).size);
    expect([most.get('slow'), groupsOf(daemon, 'slow') > 0]).toEqual([1, true]);
    expect(daemon.status().workers!.every(({ sentBytes, receivedBytes }) => sentBytes > 0 && receivedBytes > 0)).toBe(
      true,
    );
    expect(groups.length).toBe(groupsOf(daemon, 'slow') + groupsOf(daemon, 'fast'));
  });

  test(
    'the second of two workers of one name ends with the reason, and one that falls silent loses its name',
    { timeout: 120_000 },
    async () => {
      const nats = await natsServer();
      const { daemon } = await startToy({ nats: nats.url, checkShare: 0 });
      await daemon.pause();
      const first = startToyWorker(nats.url, 'twin', 20);
      await workersOf(daemon, areWorking(1));
      const second = startToyWorker(nats.url, 'twin', 20);
      expect(await second.exited).not.toBe(0);
      const taken = `twin on ${hostname()} (process ${first.child.pid}) has this name`;
      expect(second.output()).toContain(`--name twin: ${taken}: give this worker another --name`);
      expect(notesOf(daemon)).toContain(`worker twin on ${hostname()} left: ${taken}`);
      expect(daemon.status().workers).toMatchObject([{ pid: first.child.pid, state: 'working' }]);
      first.child.kill('SIGSTOP'); // as if it were killed
      const third = startToyWorker(nats.url, 'twin', 20);
      await workersOf(daemon, (list) => list.some(({ pid, state }) => pid === third.child.pid && state === 'working'));
      first.child.kill('SIGCONT');
      expect(await first.exited).not.toBe(0);
      expect(first.output()).toContain(`--name twin: twin on ${hostname()} (process ${third.child.pid}) has this name`);
      await daemon.resume();
      expect(await outcomeOf(daemon)).toBe(await alone());
      expect(groupsOf(daemon, 'twin')).toBeGreaterThan(0);
    },
  );

  test('a worker at a NATS server without JetStream says so, and works once the server has it', async () => {
    const config = join(temporaryFolder(), 'nats.conf');
    writeFileSync(config, '');
    const nats = await natsServer(['--config', config], []);
    const worker = startToyWorker(nats.url, 'early');
    const why = `waits for the daemon, which needs JetStream, and the NATS server at ${nats.url} has none`;
    await expect.poll(worker.output, { timeout: 40_000 }).toContain(`${why}: start that with \`nats-server -js\``);
    await expect(startToy({ nats: nats.url })).rejects.toThrow('the NATS server needs JetStream (`nats-server -js`)');
    await nats.kill();
    writeFileSync(config, `jetstream { store_dir: ${JSON.stringify(temporaryFolder())} }`);
    await nats.start();
    const { daemon } = await startToy({ nats: nats.url, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await alone());
    expect(groupsOf(daemon, 'early')).toBeGreaterThan(0);
  });

  test('a worker that cannot fetch the model yet tries again', async () => {
    const nats = await natsServer();
    const said: string[] = [];
    let times = 0;
    await workHere(
      nats.url,
      'early',
      {},
      {
        say: (text) => said.push(text),
        open: async (_, weightsOf) => {
          if (++times === 1) throw new WorkerError('nothing answers');
          return ToyPolicy.remote(weightsOf);
        },
      },
    );
    const { daemon } = await startToy({ nats: nats.url });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    expect(said.filter((text) => /model|joined/.test(text))).toEqual([
      'cannot open the model of the daemon yet: nothing answers',
      'joined the daemon as early',
    ]);
  });
});
