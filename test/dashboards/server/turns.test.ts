/** Pages get a share of the main thread's time, in turns; time is a test's own. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Bucket } from '../../../dashboards/server/bucket.ts';
import { Turns } from '../../../dashboards/server/turns.ts';
import { until } from '../../support/until.ts';
import { Browser, openDesk, type Desk } from './support/browser.ts';
import { ManualClock } from './support/manual-clock.ts';

const PER_SECOND = 50;
const MOST_SAVED = 250;

test('in any time, whatever is asked, work takes its share, what was saved, and one piece more; none is lost or overtaken', () => {
  const piece = fc.record({ cost: fc.integer({ min: 1, max: 60 }), gap: fc.integer({ min: 0, max: 100 }) });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), (pieces) => {
      const clock = new ManualClock();
      const turns = new Turns(PER_SECOND, clock);
      const done: number[] = [];
      const from = clock.now();
      let worked = 0;
      for (const [i, { cost, gap }] of pieces.entries()) {
        turns.take(() => {
          clock.work(cost);
          worked += cost;
          done.push(i);
        });
        expect(worked).toBeLessThanOrEqual(MOST_SAVED + ((clock.now() - from) / 1000) * PER_SECOND + 60);
        clock.advance(gap);
      }
      clock.advance(100_000);
      expect(done).toEqual(pieces.map((_, n) => n));
      expect(clock.waiting).toBe(0);
    }),
    { seed: 1 },
  );
});

/** Each answer of the store takes so long. */
function slowly({ daemon, clock }: Desk, milliseconds: number): { answered: number } {
  const count = { answered: 0 };
  const real = daemon.stored.findGroups.bind(daemon.stored);
  vi.spyOn(daemon.stored, 'findGroups').mockImplementation((...given) => {
    clock.work(milliseconds);
    count.answered += 1;
    return real(...given);
  });
  return count;
}

let asked = 0;

/** Each question is another one. */
function flood(browser: Browser, times: number): void {
  for (let n = 0; n < times; n += 1) {
    asked += 1;
    browser.send({
      type: 'request',
      id: 1000 + n,
      method: 'groups',
      params: { filter: { text: `${asked}` }, limit: 20 },
    });
  }
}

/** Lets so much time pass again and again. */
function passing({ clock }: Desk, milliseconds: number, condition: () => boolean): Promise<void> {
  return until(() => {
    clock.advance(milliseconds);
    return condition();
  });
}

test('pages that ask for all that they may get a twentieth of the time between them, each in its turn', async () => {
  const desk = await openDesk();
  const count = slowly(desk, 25);
  const pages = await Promise.all(Array.from({ length: 8 }, () => Browser.open(desk.dashboard)));
  for (const page of pages) flood(page, 90);
  await passing(desk, 0, () => count.answered >= MOST_SAVED / 25);
  const before = count.answered;
  const replies = () => pages.map(({ frames }) => frames.filter(({ type }) => type === 'reply').length);
  for (let second = 0; second < 40; second += 1) {
    const all = replies().reduce((sum, each) => sum + each, 0);
    desk.clock.advance(1000);
    await until(() => replies().reduce((sum, each) => sum + each, 0) > all);
  }
  expect(count.answered - before).toBeGreaterThanOrEqual(40);
  expect(count.answered - before).toBeLessThanOrEqual((40 * PER_SECOND) / 25 + 2);
  const each = replies();
  expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(2);
});

test('pause, resume and stop run at once while other pages exceed the budget', async () => {
  const desk = await openDesk();
  slowly(desk, 1000);
  const [greedy, user] = [await Browser.open(desk.dashboard), await Browser.open(desk.dashboard)];
  flood(greedy, 20);
  await greedy.next('reply');
  const slow = user.command({ type: 'checkpoint' });
  for (const type of ['pause', 'resume', 'stop'] as const) expect(await user.command({ type })).toBeNull();
  expect(desk.daemon.commands.map(({ command }) => command.type)).toEqual(['pause', 'resume', 'stop']);
  await passing(desk, 1000, () => desk.daemon.commands.length === 4);
  expect(await slow).toBeNull();
});

test('a page that was not read for a while is not closed for what it had sent by then', () => {
  const clock = new ManualClock();
  const bucket = new Bucket(100, 25, clock);
  const taken = () => {
    let count = 0;
    while (bucket.take()) count += 1;
    return count;
  };
  expect(taken()).toBe(100);
  const from = clock.now();
  clock.advance(20_000);
  bucket.held(from);
  expect(taken()).toBe(600);
  clock.advance(20_000);
  expect(taken()).toBe(100);
});

test('a setting that pages set to the same value again and again is one command a second', async () => {
  const desk = await openDesk();
  const pages = await Promise.all(Array.from({ length: 10 }, () => Browser.open(desk.dashboard)));
  const { path, value } = desk.daemon.settings()[0]!;
  const set = (to: number) => Promise.all(pages.map((page) => page.command({ type: 'set', path, value: to })));
  for (let n = 0; n < 3; n += 1) await set(value);
  expect(desk.daemon.commands).toHaveLength(1);
  await set(value / 2);
  const afterOther = desk.daemon.commands.length;
  expect(afterOther).toBeGreaterThan(1);
  desk.clock.advance(1000);
  await set(value);
  expect(desk.daemon.commands.length).toBe(afterOther + 1);
});

test('a setting that was changed elsewhere in the meantime, or failed, is set again', async () => {
  const desk = await openDesk();
  const page = await Browser.open(desk.dashboard);
  const command = { type: 'set', path: 'learner.learningRate', value: 5e-5 } as const;
  await page.command(command);
  vi.spyOn(desk.daemon, 'settings').mockReturnValue([{ ...desk.daemon.settings()[0]!, value: 1e-4 }]);
  await page.command(command);
  expect(desk.daemon.commands).toHaveLength(2);
  desk.daemon.obey = () => Promise.reject(new Error('no'));
  await expect(page.command(command)).rejects.toThrow('failed');
  await expect(page.command(command)).rejects.toThrow('failed');
  expect(desk.daemon.commands).toHaveLength(4);
});

test('requests over HTTP have a share of their own', async () => {
  const desk = await openDesk();
  const status = desk.daemon.status.bind(desk.daemon);
  let scraped = 0;
  vi.spyOn(desk.daemon, 'status').mockImplementation(() => {
    scraped += 1;
    desk.clock.work(30);
    return status();
  });
  const answers = Promise.all(Array.from({ length: 40 }, () => desk.get('/readyz')));
  await passing(desk, 0, () => scraped >= 8);
  const before = scraped;
  desk.clock.advance(1000);
  expect(scraped - before).toBeLessThanOrEqual(2);
  let settled = false;
  void answers.then(() => (settled = true));
  await passing(desk, 1000, () => settled);
  expect((await answers).map(({ status: code }) => code)).toEqual(Array.from({ length: 40 }, () => 200));
  const page = await Browser.open(desk.dashboard);
  expect(page.socket.readyState).toBe(page.socket.OPEN);
});
