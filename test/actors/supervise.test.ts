import { createActor, SimulatedClock } from 'xstate';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withDeadline } from '../../src/lib/deadline.ts';
import { Handle } from '../../actors/handle.ts';
import { backoff, recentRestarts, supervise, type Budget } from '../../actors/supervise.ts';
import { CancelledError, InputError, TimeoutError } from '../../src/protocol/errors.ts';
import { onProgress, tellProgress } from '../../src/lib/progress.ts';
import { until } from '../support/until.ts';

const BUDGET: Budget = { maxRestarts: 3, withinSeconds: 10, backoffMilliseconds: 100, maxBackoffMilliseconds: 400 };

/** A supervised actor whose port is the number of times it was opened. */
function start(budget: Budget = BUDGET, open?: (times: number) => Promise<number>) {
  const clock = new SimulatedClock();
  let opened = 0;
  const supervisor = createActor(supervise<number>(), {
    id: 'worker-1',
    clock,
    input: {
      budget,
      now: () => clock.now(),
      open: async () => {
        opened += 1;
        return open ? open(opened) : opened;
      },
    },
  });
  const escalated: unknown[] = [];
  supervisor.subscribe({ error: (error) => escalated.push(error) });
  supervisor.start();
  const handle = new Handle<number>('worker', supervisor);
  const never = new AbortController();
  const perform = <R>(run: (port: number) => Promise<R>, signal = never.signal, seconds = 60) =>
    handle.perform({ doing: 'a job', seconds, signal, run });
  return { clock, supervisor, handle, perform, escalated, opened: () => opened };
}

test('an item that fails is tried again with the port of the restarted actor', async () => {
  const { clock, handle, perform } = start();
  const ports: number[] = [];
  const result = perform(async (port) => {
    ports.push(port);
    if (port < 3) throw new Error(`port ${port} broke`);
    return `done by ${port}`;
  });
  await until(() => handle.status().state === 'waiting');
  expect(handle.status()).toMatchObject({ restarts: 1, error: 'port 1 broke', doing: 'restarting' });
  clock.increment(100);
  await until(() => handle.status().restarts === 2);
  clock.increment(199);
  expect(handle.status().state).toBe('waiting');
  clock.increment(1);
  expect(await result).toBe('done by 3');
  expect(ports).toEqual([1, 2, 3]);
  expect(handle.status()).toMatchObject({ state: 'idle', restarts: 2 });
});

test('past the budget the failure escalates: perform rejects with it and the supervisor is in error', async () => {
  const { clock, handle, perform, escalated } = start();
  const failures = perform(() => Promise.reject(new Error('broken for good'))).catch((error: unknown) => error);
  for (let restart = 1; restart <= 3; restart += 1) {
    await until(() => handle.status().restarts === restart);
    clock.increment(400);
  }
  expect(await failures).toMatchObject({ message: 'broken for good' });
  expect(escalated).toMatchObject([{ message: 'broken for good' }]);
  expect(handle.status()).toMatchObject({ state: 'failed', restarts: 3 });
  await expect(perform(async () => 1)).rejects.toThrow('broken for good');
});

test('restarts that are older than the window do not count', async () => {
  const { clock, handle, perform } = start({ ...BUDGET, maxRestarts: 1 });
  for (let restart = 1; restart <= 4; restart += 1) {
    let failed = false;
    const done = perform(async () => {
      if (!failed) {
        failed = true;
        throw new Error('once');
      }
    });
    await until(() => handle.status().restarts === restart);
    clock.increment(100);
    await done;
    clock.increment(10_000);
  }
  expect(handle.status()).toMatchObject({ state: 'idle', restarts: 4 });
});

test('a port that does not open counts as a failure', async () => {
  const { clock, handle, perform } = start(BUDGET, async (times) => {
    if (times === 1) throw new Error('no model');
    return times;
  });
  await until(() => handle.status().state === 'waiting');
  clock.increment(100);
  expect(await perform(async (port) => port)).toBe(2);
});

test('a bad item is the caller’s error and restarts nothing', async () => {
  const { handle, perform, opened } = start();
  await expect(perform(() => Promise.reject(new InputError('question q1 is longer than the context')))).rejects.toThrow(
    InputError,
  );
  expect(handle.status()).toMatchObject({ state: 'idle', restarts: 0 });
  expect(opened()).toBe(1);
});

test('items of several callers are done one at a time, in the order of the calls; a failed one is tried again first', async () => {
  const { clock, handle, perform } = start();
  const done: string[] = [];
  let inHand = 0;
  const job = (name: string, fails = false) => {
    let tries = 0;
    return perform(async () => {
      expect((inHand += 1)).toBe(1);
      await Promise.resolve();
      inHand -= 1;
      done.push(name);
      if (fails && (tries += 1) === 1) throw new Error('once');
    });
  };
  const all = Promise.all([job('first'), job('second', true), job('third')]);
  await until(() => handle.status().state === 'waiting');
  clock.increment(10_000);
  await all;
  expect(done).toEqual(['first', 'second', 'second', 'third']);
  expect(handle.status().restarts).toBe(1);
});

test('cancelling an item frees the actor without a restart', async () => {
  const { handle, perform } = start();
  const controller = new AbortController();
  const hanging = perform(() => new Promise<never>(() => {}), controller.signal);
  await until(() => handle.status().state === 'working');
  controller.abort();
  await expect(hanging).rejects.toThrow(CancelledError);
  expect(handle.status()).toMatchObject({ state: 'idle', restarts: 0 });
  expect(await perform(async (port) => port)).toBe(1);
});

test('an item that hangs is a failure that names the wait', async () => {
  const { handle, perform } = start({ ...BUDGET, maxRestarts: 0 });
  const hung = await perform(() => new Promise<never>(() => {}), undefined, 0.01).catch((error: unknown) => error);
  expect(hung).toBeInstanceOf(TimeoutError);
  expect(String(hung)).toContain('worker-1: a job: not done after 0.01 s');
  expect(handle.status().state).toBe('failed');
});

test('a deadline counts from the last sign of progress, and the status tells when that was', async () => {
  const clock = new SimulatedClock();
  const { handle, clock: actorClock } = start({ ...BUDGET, maxRestarts: 0 });
  const outer = new AbortController();
  let passedOn = 0;
  onProgress(outer.signal, () => (passedOn += 1));
  let told: AbortSignal | undefined;
  const late = withDeadline(
    'a step',
    10,
    outer.signal,
    (signal) => ((told = signal), new Promise<never>(() => {})),
    clock,
  ).catch(String);
  for (let sign = 0; sign < 5; sign += 1) {
    clock.increment(9_000);
    tellProgress(told);
  }
  expect([told!.aborted, passedOn]).toEqual([false, 5]);
  clock.increment(10_000);
  expect(await late).toBe('TimeoutError: a step: no progress in 10 s');
  tellProgress(told);
  expect(passedOn).toBe(5);

  let finish = (): void => {};
  const run = (_: number, signal: AbortSignal): Promise<void> => (
    (told = signal),
    new Promise((resolve) => (finish = resolve))
  );
  const done = handle.perform({ doing: 'a job', seconds: 60, signal: outer.signal, run });
  await until(() => handle.status().state === 'working');
  expect(handle.status()).not.toHaveProperty('progressAt');
  actorClock.increment(1234);
  tellProgress(told);
  expect(handle.status()).toMatchObject({ doing: 'a job', since: 0, progressAt: 1234 });
  tellProgress(told, 'pass 3 of 8');
  expect(handle.status()).toMatchObject({ doing: 'a job: pass 3 of 8' });
  finish();
  await done;
  expect(handle.status()).not.toHaveProperty('progressAt');
});

test('tells its state charts, what is active in them, and its failures with stacks, newest first and bounded', async () => {
  const { clock, handle, perform } = start({ ...BUDGET, maxRestarts: 24 });
  expect(handle.detail().charts[0]).toMatchObject({
    machine: 'supervisor',
    states: ['running', 'waiting'],
    active: 'running',
    transitions: [
      ['running', 'error', 'waiting'],
      ['waiting', 'after back-off', 'running'],
    ],
  });
  expect(handle.detail().charts[1]).toMatchObject({
    machine: 'service',
    states: ['opening', 'idle', 'working'],
    active: 'opening',
  });
  expect(handle.detail().charts[1]!.transitions).toEqual([
    ['opening', 'done', 'idle'],
    ['idle', 'BEGIN', 'working'],
    ['idle', 'WAIT', 'idle'],
    ['working', 'END', 'idle'],
    ['working', 'FAIL', 'working'],
  ]);
  let calls = 0;
  const gaveUp = perform(() => Promise.reject(new Error(`failure ${(calls += 1)}`))).catch(() => {});
  for (let restart = 1; restart <= 24; restart += 1) {
    await until(() => handle.status().restarts === restart);
    clock.increment(400);
  }
  await gaveUp;
  const { charts, failures } = handle.detail();
  expect(charts.map(({ active }) => active)).toEqual(['error', 'stopped']);
  expect(failures.map(({ message }) => message)).toEqual(Array.from({ length: 20 }, (_, i) => `failure ${25 - i}`));
  expect(failures[0]!.stack).toContain('supervise.test.ts');
  expect(failures[0]!.at).toBeGreaterThan(failures[1]!.at);
});

test('the back-off doubles up to its limit; only restarts in the window are recent', () => {
  expect([0, 1, 2, 3].map((n) => backoff(n, BUDGET))).toEqual([100, 200, 400, 400]);
  fc.assert(
    fc.property(fc.array(fc.nat(60_000)), fc.nat(60_000), (restarts, now) => {
      const recent = recentRestarts(restarts, now, BUDGET);
      expect(recent).toEqual(restarts.filter((at) => at > now - 10_000 && at < now + 10_000));
    }),
  );
});

test('an item that hangs at every try escalates after the restarts of the budget, though each try outlasts the window', async () => {
  const { clock, supervisor, perform, opened } = start({ ...BUDGET, withinSeconds: 1 });
  const failure = perform(() => Promise.reject(new Error('hung'))).catch((error: unknown) => error);
  for (let restart = 1; restart <= BUDGET.maxRestarts; restart += 1) {
    await until(() => supervisor.getSnapshot().context.restarts === restart);
    clock.increment(60_000); // the window has passed
  }
  expect(await failure).toMatchObject({ message: 'hung' });
  expect(opened()).toBe(BUDGET.maxRestarts + 1);
});
