import { expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { startSystem } from '../../actors/system.ts';
import { until } from '../support/until.ts';

const BUDGET = { maxRestarts: 1, withinSeconds: 60, backoffMilliseconds: 10, maxBackoffMilliseconds: 10 };

function start(
  finish: () => Promise<void> = () => Promise.resolve(),
  save: () => Promise<void> = () => Promise.resolve(),
  optional = false,
) {
  const clock = new SimulatedClock();
  const opened: Record<string, number> = {};
  const members = ['sampler-1', 'sampler-2'].map((id) => ({
    role: 'sampler',
    id,
    optional,
    open: () => Promise.resolve((opened[id] = (opened[id] ?? 0) + 1)),
  }));
  const done: string[] = [];
  const { system, handles } = startSystem(
    {
      members,
      budget: BUDGET,
      now: () => clock.now(),
      finish: async () => {
        done.push('finish');
        await finish();
      },
      save: async () => {
        done.push('save');
        await save();
      },
    },
    clock,
  );
  const handle = handles.get('sampler-1')!;
  const fail = (message: string) =>
    handle
      .perform({
        doing: 'a job',
        seconds: 60,
        signal: new AbortController().signal,
        run: () => Promise.reject(new Error(message)),
      })
      .catch((error: unknown) => error);
  return {
    clock,
    system,
    handles,
    fail,
    done,
    opened,
    ended: () => until(() => system.getSnapshot().status === 'done'),
  };
}

test('stops in order: the step in hand is finished, then everything is saved', async () => {
  const { system, done, ended, handles } = start();
  system.send({ type: 'STOP' });
  expect(system.getSnapshot().value).toBe('STOPPING');
  await ended();
  expect(done).toEqual(['finish', 'save']);
  expect(system.getSnapshot().context.error).toBeUndefined();
  expect([...handles.values()].map((handle) => handle.status().state)).toEqual(['stopped', 'stopped']);
});

test('one member restarts alone; past its budget the system stops cleanly with the reason', async () => {
  const { clock, system, handles, fail, done, ended, opened } = start();
  const failure = fail('no memory');
  await until(() => handles.get('sampler-1')!.status().restarts === 1);
  expect(system.getSnapshot().matches('RUNNING')).toBe(true);
  clock.increment(10);
  expect(await failure).toMatchObject({ message: 'no memory' });
  await ended();
  expect(done).toEqual(['finish', 'save']);
  expect(system.getSnapshot().context.error).toMatchObject({ message: 'no memory' });
  expect(opened).toEqual({ 'sampler-1': 2, 'sampler-2': 1 });
});

test('the first error is not masked by what goes wrong while stopping, and saving is tried all the same', async () => {
  const { system, done, ended } = start(
    () => Promise.reject(new Error('the step hangs')),
    () => Promise.reject(new Error('the disk is full')),
  );
  system.send({ type: 'FAIL', error: new Error('a stage is past help') });
  await ended();
  expect(done).toEqual(['finish', 'save']);
  expect(system.getSnapshot().context.error).toMatchObject({ message: 'a stage is past help' });
});

test('pauses, resumes, and stops from a pause', async () => {
  const { system, ended } = start();
  system.send({ type: 'PAUSE' });
  expect(system.getSnapshot().value).toEqual({ RUNNING: 'paused' });
  system.send({ type: 'RESUME' });
  expect(system.getSnapshot().value).toEqual({ RUNNING: 'active' });
  system.send({ type: 'PAUSE' });
  system.send({ type: 'STOP' });
  await ended();
});

test('an optional member past its budget is parked, and the other members continue', async () => {
  const { clock, system, handles, fail, done, ended } = start(undefined, undefined, true);
  const failure = fail('not today');
  await until(() => handles.get('sampler-1')!.status().restarts === 1);
  clock.increment(10);
  expect(await failure).toMatchObject({ message: 'not today' });
  expect(handles.get('sampler-1')!.status()).toMatchObject({ state: 'parked', error: 'not today' });
  expect(system.getSnapshot().matches('RUNNING')).toBe(true);
  expect(done).toEqual([]);
  const other = handles.get('sampler-2')!;
  await other.perform({
    doing: 'a job',
    seconds: 60,
    signal: new AbortController().signal,
    run: () => Promise.resolve(),
  });
  system.send({ type: 'STOP' });
  await ended();
  expect(system.getSnapshot().context.error).toBeUndefined();
});
