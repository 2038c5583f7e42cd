/** The live view: coalesced, encoded once, latest wins, and no work without a page. */
import { beforeEach, expect, test, vi } from 'vitest';
import * as codec from '../../../src/protocol/codec.ts';
import type { ServerFrame } from '../../../src/protocol/frames.ts';
import { until } from '../../support/until.ts';
import { Browser, openDesk, type Desk } from './support/browser.ts';

vi.mock(import('../../../src/protocol/codec.ts'), async (original) => {
  const real = await original();
  return { ...real, encode: vi.fn<typeof real.encode>(real.encode) };
});

const encode = vi.mocked(codec.encode);
const encoded = (type: ServerFrame['type']) =>
  encode.mock.calls.filter(([frame]) => (frame as { type?: unknown } | null)?.type === type).length;
const isUpdate = ({ type }: ServerFrame) => type === 'update';

beforeEach(() => void encode.mockClear());

/** Both sides have dealt with what was sent until now. */
async function settle(...browsers: readonly Browser[]): Promise<void> {
  for (const browser of browsers) await browser.ask('actors', {});
}

async function openTwo(desk: Desk): Promise<[Browser, Browser]> {
  return [await Browser.open(desk.dashboard), await Browser.open(desk.dashboard)];
}

test('without a page it listens to nothing and builds nothing', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  for (let i = 0; i < 20; i++) {
    daemon.judge(i);
    daemon.tick({ version: i });
    clock.advance(100);
  }
  expect([daemon.listened, daemon.events.observed, daemon.calledStore(), encoded('update'), clock.waiting]).toEqual([
    0,
    false,
    0,
    0,
    0,
  ]);
  const browser = await Browser.open(dashboard);
  expect([daemon.listened, daemon.events.observed]).toEqual([1, true]);
  browser.socket.close();
  await until(() => !daemon.events.observed);
  expect([daemon.statuses.observed, clock.waiting]).toEqual([false, 0]);
});

test('hello brings the newest status, without its history', async () => {
  const { daemon, dashboard } = await openDesk();
  daemon.tick({ version: 50 });
  const browser = await Browser.connect(dashboard);
  browser.send({ type: 'hello', v: 1 });
  const { live } = await browser.next('hello');
  const { history: _, ...accuracy } = daemon.status().accuracy;
  expect(live).toEqual({ ...daemon.status(), accuracy });
});

test('a hundred changes in a tenth of a second are one update, encoded once for all', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  const [first, second] = await openTwo({ daemon, dashboard, clock } as Desk);
  clock.advance(100);
  await settle(first, second);
  for (const browser of [first, second]) browser.frames.length = 0;
  encode.mockClear();
  for (let i = 0; i < 100; i++) daemon.tick({ version: 100 + i });
  daemon.judge(0);
  daemon.judge(1, false);
  daemon.learn(1, [0]);
  daemon.stored.event('note', { text: 'paused' });
  clock.advance(100);
  await settle(first, second);
  expect(encoded('update')).toBe(1);
  const updates = [first, second].map(({ frames }) => frames.filter(isUpdate));
  expect(updates[0]).toEqual(updates[1]);
  expect(updates[0]).toHaveLength(1);
  const update = updates[0]![0] as ServerFrame & { type: 'update' };
  expect(update.live.version).toBe(199);
  expect(update.groups.map(({ id, kept }) => [id, kept])).toEqual([
    ['g0', true],
    ['g1', false],
  ]);
  expect(update.groups[0]).toEqual((await first.ask('groups', { filter: { verdict: 'kept' }, limit: 1 })).groups[0]);
  expect(update.points).toEqual([{ step: 1, at: Date.UTC(2026, 0, 1, 12, 0, 0, 1), values: { kl: 0.01 } }]);
  expect(update.events.map(({ type, data }) => [type, data])).toEqual([['note', { text: 'paused' }]]);
});

test('updates come at most ten a second, counted up by one, and each piece of news once', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  const browser = await Browser.open(dashboard);
  clock.advance(1000);
  await settle(browser);
  browser.frames.length = 0;
  for (let i = 0; i < 300; i++) {
    daemon.tick({ version: i });
    if (i % 10 === 0) daemon.judge(i / 10);
    clock.advance(10);
  }
  clock.advance(100);
  await settle(browser);
  const updates = browser.frames.filter(isUpdate) as (ServerFrame & { type: 'update' })[];
  expect(updates.length).toBeGreaterThanOrEqual(28);
  expect(updates.length).toBeLessThanOrEqual(31);
  const [from] = updates.map(({ seq }) => seq);
  expect(updates.map(({ seq }) => seq)).toEqual(updates.map((_, i) => from! + i));
  expect(updates.flatMap(({ groups }) => groups.map(({ sequence }) => sequence))).toEqual(
    Array.from({ length: 30 }, (_, i) => i),
  );
  expect(updates.at(-1)!.live.version).toBe(299);
});

test('where many look, updates are rarer', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  const browsers: Browser[] = [];
  for (let i = 0; i < 20; i++) browsers.push(await Browser.open(dashboard));
  clock.advance(1000);
  await settle(...browsers);
  for (const browser of browsers) browser.frames.length = 0;
  for (let i = 0; i < 200; i++) {
    daemon.tick({ version: i });
    clock.advance(10);
  }
  await settle(...browsers);
  // 20 browsers x 20 ms: one at once, and then one in 400 ms, in two seconds.
  for (const browser of browsers) expect(browser.frames.filter(isUpdate)).toHaveLength(6);
});

test('of very much news an update brings the newest', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  const browser = await Browser.open(dashboard);
  clock.advance(100);
  for (let i = 0; i < 50; i++) daemon.judge(i);
  clock.advance(100);
  const { groups } = await browser.next('update', (update) => update.groups.length > 0);
  expect(groups.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => 30 + i));
});

test('a page that reads nothing loses whole updates, costs bounded memory and is ended; the others miss nothing', async () => {
  const { daemon, dashboard, clock, get } = await openDesk();
  const [asleep, awake] = await openTwo({ daemon, dashboard, clock } as Desk);
  await settle(asleep, awake);
  asleep.socket.pause();
  const text = 'x'.repeat(100_000);
  let most = 0;
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await get('/metrics')).text())![1]);
  for (let i = 0; i < 200; i++) {
    daemon.tick({ version: 1000 + i, notes: [{ at: i, text }] });
    clock.advance(100);
    await awake.next('update', ({ live }) => live.version === 1000 + i);
    if (i % 20 === 0) most = Math.max(most, await metric('quorum_dashboard_unread_bytes'));
  }
  expect(most).toBeGreaterThan(2 ** 20);
  expect(most).toBeLessThan(2 ** 20 + 3 * text.length);
  expect(await metric('quorum_dashboard_dropped_updates_total')).toBeGreaterThan(0);
  // Twenty seconds have gone by; the one awake is heard of in each ten, the other is not.
  for (let i = 0; i < 4; i++) {
    await settle(awake);
    clock.advance(10_000);
  }
  expect(await awake.ask('actors', {})).toEqual(daemon.actors());
  while ((await metric('quorum_dashboard_clients')) !== 1) await settle(awake);
  expect(await metric('quorum_dashboard_unread_bytes')).toBe(0);
  asleep.socket.resume();
  const seen = (asleep.frames.filter(isUpdate) as (ServerFrame & { type: 'update' })[]).map(({ seq }) => seq);
  expect(new Set(seen).size).toBe(seen.length);
});

test('fifty pages that open at once cost one query of each kind', async () => {
  const { daemon, dashboard, clock } = await openDesk();
  for (let i = 0; i < 30; i++) daemon.judge(i);
  const browsers = await Promise.all(Array.from({ length: 50 }, () => Browser.open(dashboard)));
  daemon.calls.clear();
  encode.mockClear();
  const all = await Promise.all(
    browsers.map((browser) =>
      Promise.all([
        browser.ask('history', { maxPoints: 1000 }),
        browser.ask('questions', {}),
        browser.ask('groups', { filter: {}, limit: 20 }),
      ]),
    ),
  );
  expect([...daemon.calls]).toEqual(
    expect.arrayContaining([
      ['history', 1],
      ['questionStats', 1],
      ['findGroups', 1],
    ]),
  );
  expect(daemon.calls.get('warmHistory')).toBe(1);
  for (const answers of all) expect(answers).toEqual(all[0]);
  expect(all[0]![2].groups).toHaveLength(20);
  clock.advance(1001);
  await browsers[0]!.ask('questions', {});
  expect(daemon.calls.get('questionStats')).toBe(2);
});

test('after a command nothing older is shown', async () => {
  const { daemon, dashboard } = await openDesk();
  const browser = await Browser.open(dashboard);
  const before = await browser.ask('settings', {});
  const settings = vi.spyOn(daemon, 'settings').mockReturnValue(before.map((setting) => ({ ...setting, value: 1e-5 })));
  expect(await browser.ask('settings', {})).toEqual(before);
  await browser.command({ type: 'set', path: 'learner.learningRate', value: 1e-5 });
  expect(await browser.ask('settings', {})).toMatchObject([{ value: 1e-5 }]);
  expect(settings).toHaveBeenCalledTimes(1);
});

test('a store that fails costs an update, and the log names the failure', async () => {
  const { daemon, dashboard, clock, errors } = await openDesk();
  const browser = await Browser.open(dashboard);
  clock.advance(100);
  const failing = vi.spyOn(daemon.stored, 'eventsBefore').mockImplementationOnce(() => {
    throw new Error('the disk is gone');
  });
  daemon.tick({ version: 60 });
  clock.advance(100);
  expect(errors).toMatchObject([{ message: 'the disk is gone' }]);
  failing.mockRestore();
  daemon.tick({ version: 61 });
  clock.advance(100);
  expect((await browser.next('update', ({ live }) => live.version === 61)).live.version).toBe(61);
});
