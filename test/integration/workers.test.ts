import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect, headers } from '@nats-io/transport-node';
import { filter, firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WorkerOptions } from '../../src/cluster/worker.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { encode } from '../../src/protocol/codec.ts';
import type { DaemonHandle } from '../../src/daemon/daemon-handle.ts';
import { areWorking, outcomeOf, startToy, TOY_INPUT, workHere } from '../support/cluster.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { startToyWorker, workersOf } from '../support/worker-process.ts';

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  /** Without workers. */
  const toyAlone = async (): Promise<string> => outcomeOf((await startToy()).daemon);
  const notesOf = (daemon: DaemonHandle): string[] => daemon.status().notes.map(({ text }) => text);

  test('a worker that is killed loses its jobs to another one, and the run is the same', async () => {
    const nats = await natsServer();
    const killed = startToyWorker(nats.url, 'killed', 20_000);
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    await workersOf(daemon, (list) => list.some(({ name, holds }) => name === 'killed' && holds > 0));
    killed.child.kill('SIGKILL');
    await workHere(nats.url, 'other');
    expect(await outcomeOf(daemon)).toBe(await toyAlone());
    const { workers = [] } = daemon.status();
    expect(workers.find(({ name }) => name === 'killed')).toMatchObject({ groups: 0 });
    expect(workers.find(({ name }) => name === 'other')!.groups).toBeGreaterThan(0);
  });

  test('a NATS server that is killed and starts again loses nothing', async () => {
    const nats = await natsServer();
    let jobs = 0;
    const beforeSample = async (): Promise<void> => {
      if (++jobs !== 5) return;
      await nats.kill();
      await nats.start();
    };
    await workHere(nats.url, 'here', { beforeSample });
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await toyAlone());
    expect(jobs).toBeGreaterThan(5);
    const said = notesOf(daemon).filter((text) => text.startsWith('the connection to NATS'));
    expect(said).toEqual([
      `the connection to NATS at ${nats.url} is lost`,
      `the connection to NATS at ${nats.url} is back`,
    ]);
  });

  test('the daemon notes a worker that falls silent, and one that leaves', async () => {
    const nats = await natsServer();
    const killed = startToyWorker(nats.url, 'killed');
    const { daemon } = await startToy({ nats: nats.url });
    await daemon.pause();
    const leaves = await workHere(nats.url, 'leaves');
    await workersOf(daemon, areWorking(2));
    killed.child.kill('SIGKILL');
    leaves.drain('a test');
    await firstValueFrom(daemon.status$().pipe(filter(({ notes }) => notes.some(({ text }) => / silent/.test(text)))));
    const said = notesOf(daemon).filter((text) => text.startsWith('worker '));
    expect(said.map((text) => text.replaceAll(hostname(), 'HOST')).toSorted()).toEqual([
      'worker killed on HOST is silent: its jobs go to others',
      'worker killed on HOST joined with cpu',
      'worker leaves on HOST joined with cpu',
      'worker leaves on HOST left',
    ]);
  });

  test('every message twice, in another order: nothing counts twice, and no message holds a label', async () => {
    const nats = await natsServer();
    const trainFile = join(temporaryFolder(), 'train.jsonl');
    const row = (i: number) => ({
      id: `${i}`,
      problem: `question ${i}`,
      images: [],
      answer: `98765${i}`,
      kind: 'secret',
    });
    writeFileSync(trainFile, Array.from({ length: 48 }, (_, i) => JSON.stringify(row(i))).join('\n'));
    const input = { ...TOY_INPUT, data: { type: 'jsonl', trainFile, heldOutShare: 0.2 } } satisfies ConfigInput;
    const copying = await connect({ servers: nats.url });
    onTestFinished(() => copying.close());
    const seen: string[] = [];
    copying.subscribe('>', {
      callback: (_, message) => {
        seen.push(Buffer.from(message.data).toString('latin1'));
        if (!/^quorum\.(?:jobs|groups\.)/.test(message.subject) || message.headers?.has('Copy') === true) return;
        const copy = headers();
        copy.set('Copy', 'yes');
        setImmediate(() => copying.publish(message.subject, message.data, { headers: copy }));
      },
    });
    for (const name of ['one', 'two']) await workHere(nats.url, name);
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 }, input);
    await daemon.pause();
    await workersOf(daemon, areWorking(2));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await outcomeOf((await startToy(undefined, input)).daemon));
    await copying.close();
    expect(seen.filter((text) => text.includes('question 1')).length).toBeGreaterThan(0);
    expect(seen.filter((text) => /98765|secret/.test(text))).toEqual([]);
  });

  test('a worker whose log-probabilities are not those of its version is parked, with the reason', async () => {
    const nats = await natsServer();
    const open: WorkerOptions['open'] = async (_, weightsOf) => {
      const honest = ToyPolicy.remote(weightsOf);
      return {
        ...honest,
        async sample(request) {
          const reply = await honest.sample(request);
          const groups = reply.groups.map((group) =>
            group.map((sample) => ({ ...sample, logprobs: sample.logprobs.map((each) => each - 0.5) })),
          );
          return { ...reply, groups };
        },
      };
    };
    await workHere(nats.url, 'liar', {}, { open });
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await toyAlone());
    expect(daemon.status().workers).toMatchObject([
      {
        name: 'liar',
        state: 'parked',
        groups: 0,
        why: expect.stringContaining('differ by 0.500 nats a token') as string,
      },
    ]);
  });

  test('a worker that cannot read a job ends with the reason, and the daemon samples the job itself', async () => {
    const nats = await natsServer();
    const said: string[] = [];
    await workHere(nats.url, 'older', {}, { say: (text) => said.push(text) });
    const { daemon } = await startToy({ nats: nats.url, leaseSeconds: 1, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    const other = await connect({ servers: nats.url });
    onTestFinished(() => other.close());
    await other.request('quorum.jobs', encode({ id: 'of another version' }));
    await expect
      .poll(() => said)
      .toContainEqual(expect.stringMatching(/takes no more leases: a lease of the daemon: /));
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await toyAlone());
  });

  test('a worker that is drained finishes its job and leaves', async () => {
    const nats = await natsServer();
    const { daemon } = await startToy({ nats: nats.url, checkShare: 0 });
    await daemon.pause();
    let finish = () => {};
    const asked = new Promise<void>((resolve) => (finish = resolve));
    await workHere(nats.url, 'gone', { beforeSample: () => asked });
    await workersOf(daemon, areWorking(1));
    await daemon.resume();
    await workersOf(daemon, (list) => list.some(({ holds }) => holds > 0));
    await daemon.command({ type: 'drain', worker: 'gone' }, 'a test');
    await workersOf(daemon, (list) => list.some(({ state }) => state === 'draining'));
    const paused = daemon.pause();
    finish();
    await paused;
    const list = await workersOf(daemon, ([worker]) => worker!.state === 'left');
    expect(list[0]!.groups).toBeGreaterThanOrEqual(2);
    await expect(daemon.command({ type: 'drain', worker: 'gone' }, 'a test')).rejects.toThrow(
      'no worker has the name "gone"',
    );
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await toyAlone());
  });
});
