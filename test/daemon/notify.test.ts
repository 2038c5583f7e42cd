import { BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  keepTold,
  longestItemSeconds,
  StuckActors,
  takeServiceManager,
  type ServiceManager,
} from '../../src/daemon/notify.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { ActorStatus, Report, Status } from '../../src/protocol/status.ts';
import { RUNNING } from '../cli/view/status.ts';

const WATCHDOG = 20_000;
const LONGEST = 60;

const actor = (doing: string, since: number, state: ActorStatus['state'] = 'working'): ActorStatus => ({
  id: 'learner',
  role: 'learner',
  state,
  doing,
  since,
  restarts: 0,
  items: 0,
  itemsPerSecond: 0,
  busy: 0,
  queue: null,
});

/** A daemon whose status a test sets, and what its service manager was told. */
function told(
  first: Partial<Status>,
  send: ServiceManager['send'] = () => Promise.resolve(),
  watchdog: number | null = WATCHDOG,
) {
  const statuses = new BehaviorSubject<Status>({ ...RUNNING, actors: [], ...first });
  const messages: (readonly string[])[] = [];
  const failures: string[] = [];
  let close: (report: Report) => void = () => {};
  const closed = new Promise<Report>((resolve) => (close = resolve));
  const manager: ServiceManager = {
    send: (assignments) => {
      messages.push(assignments);
      return send(assignments);
    },
    watchdogMilliseconds: watchdog ?? undefined,
  };
  const daemon = { status: () => statuses.value, status$: () => statuses, closed: () => closed };
  const done = keepTold(manager, daemon, { failed: (reason) => failures.push(reason), longestItemSeconds: LONGEST });
  const set = (status: Partial<Status>) => statuses.next({ ...statuses.value, ...status });
  return { messages, failures, set, done, close: () => close({} as Report) };
}

const has = (message: readonly string[] | undefined, assignment: string) => message?.includes(assignment) ?? false;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the variables are taken out of the environment, and a watchdog meant for another process is none', () => {
  const environment = { PATH: '/bin', NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' };
  expect(takeServiceManager(environment, 7)).toMatchObject({ watchdogMilliseconds: 30_000 });
  expect(environment).toEqual({ PATH: '/bin' });
  expect(
    takeServiceManager({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 8)
      ?.watchdogMilliseconds,
  ).toBeUndefined();
  expect(takeServiceManager({ NOTIFY_SOCKET: '@abstract' }, 7)?.watchdogMilliseconds).toBeUndefined();
  const unmanaged = { WATCHDOG_USEC: '30000000' };
  expect([takeServiceManager(unmanaged, 7), unmanaged]).toEqual([undefined, {}]);
});

test('ready once, when the loop runs; stopping when it ends; more time is asked for before and after', async () => {
  const { messages, set, done, close } = told({ phase: 'starting', version: 0 });
  await vi.advanceTimersByTimeAsync(WATCHDOG / 2);
  set({ phase: 'baseline' });
  await vi.advanceTimersByTimeAsync(0);
  set({ phase: 'running', version: 3 });
  await vi.advanceTimersByTimeAsync(WATCHDOG / 2);
  set({ phase: 'stopping' });
  set({ phase: 'draining' });
  set({ phase: 'stopped' });
  close();
  await done;
  const where = (assignment: string) =>
    messages.flatMap((message, i) => (message.some((each) => each.startsWith(assignment)) ? [i] : []));
  expect(where('READY=1')).toEqual([2]);
  expect(where('EXTEND_TIMEOUT_USEC=30000000')).toEqual([0, 1, 5, 6, 7]);
  expect(where('STOPPING=1')).toEqual([5, 6, 7]);
  expect(where('WATCHDOG=1')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(messages[4]!.at(-1)).toMatch(/^STATUS=running, version 3, accuracy \d+\.\d %$/);
});

test.each(['running', 'paused'] as const)(
  'the watchdog hears from a loop that is %s twice in its time, for ever',
  async (phase) => {
    const { messages, done, close } = told({ phase, actors: [actor('waiting for work', 1, 'idle')] });
    await vi.advanceTimersByTimeAsync(100 * WATCHDOG);
    expect(messages.filter((message) => has(message, 'WATCHDOG=1'))).toHaveLength(201);
    close();
    await done;
  },
);

test('an actor that its own deadline does not end silences the watchdog, and the status says which', async () => {
  const { messages, set, done, close } = told({ actors: [actor('learning batch 4', 1)] });
  await vi.advanceTimersByTimeAsync(LONGEST * 1000);
  expect(has(messages.at(-1), 'WATCHDOG=1')).toBe(true);
  await vi.advanceTimersByTimeAsync(WATCHDOG);
  expect(has(messages.at(-1), 'WATCHDOG=1')).toBe(false);
  expect(messages.at(-1)!.at(-1)).toMatch(/; learner is stuck learning batch 4: its deadline did not end that$/);
  set({ actors: [actor('learning batch 5', 2)] });
  await vi.advanceTimersByTimeAsync(WATCHDOG / 2);
  expect(has(messages.at(-1), 'WATCHDOG=1')).toBe(true);
  close();
  await done;
});

test('looks are counted, not time: new items start anew, whatever the clock says', () => {
  const progress = new StuckActors(2);
  const looks = [1, 1, 9e15, 9e15, -5, -5, -5].map((since) => progress.look([actor('learning', since)]) !== undefined);
  expect(looks).toEqual([false, false, false, false, false, false, true]);
});

test('an item that shows progress is not stuck, however long it takes', () => {
  const progress = new StuckActors(2);
  const looks = [1, 2, 3, 4, 5, 5, 5].map(
    (progressAt) => progress.look([{ ...actor('learning', 1), progressAt }]) !== undefined,
  );
  expect(looks).toEqual([false, false, false, false, false, false, true]);
});

test('an unreachable service manager is reported once, and the daemon continues', async () => {
  const { messages, failures, done, close } = told(
    {},
    () => Promise.reject(new Error('spawn systemd-notify ENOENT')),
    null,
  );
  await vi.advanceTimersByTimeAsync(120_000);
  expect(messages).toHaveLength(5);
  expect(messages.flat().filter((assignment) => assignment === 'WATCHDOG=1')).toEqual([]);
  expect(failures).toEqual([
    'the service manager was not told READY=1, which takes the program systemd-notify, and NotifyAccess=all in the unit: spawn systemd-notify ENOENT',
  ]);
  close();
  await done;
});

test('a hanging service manager gets no further message until it answers', async () => {
  let answer = () => {};
  const { messages, done, close } = told({}, () => new Promise<void>((resolve) => (answer = resolve)));
  await vi.advanceTimersByTimeAsync(10 * WATCHDOG);
  expect(messages).toHaveLength(1);
  answer();
  await vi.advanceTimersByTimeAsync(WATCHDOG / 2);
  expect(messages).toHaveLength(2);
  answer();
  close();
  await done;
});

test('no item may take longer than every deadline there is', () => {
  const config = configSchema.parse({ timeouts: { learnSeconds: 10_000 } });
  expect(longestItemSeconds(config)).toBe(10_060);
  expect(
    longestItemSeconds(
      configSchema.parse({ timeouts: { pluginSeconds: 2_000 }, loop: { jobQuestions: 7, batchGroups: 6 } }),
    ),
  ).toBe(2_060);
});
