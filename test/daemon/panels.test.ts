import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Panels } from '../../src/daemon/panels.ts';
import { CancelledError } from '../../src/protocol/errors.ts';
import type { OfPlugin } from '../../src/protocol/performer.ts';
import type { Panel, PanelContent } from '../../src/protocol/ports.ts';

const content = (title: string): PanelContent => ({ title, blocks: [] });

function panelOf(plugin: string, draw: Panel): OfPlugin<Panel> {
  const nothing = () => {};
  return {
    id: `panel-${plugin}`,
    plugin,
    perform: (item) => item.run(draw, item.signal),
    waitsFor: nothing,
    takesFrom: nothing,
  };
}

/** Panels at a time that the test sets, in milliseconds. */
function setUp(...listed: OfPlugin<Panel>[]) {
  const clock = { now: 0 };
  const list = [...listed];
  const parked = [{ plugin: 'gone', error: 'no' }];
  const panels = new Panels({
    panels: () => list,
    parked: () => parked,
    seconds: 1,
    stop: new AbortController().signal,
    now: () => clock.now,
  });
  const cards = () => panels.cards().map(({ plugin, content: drawn, error }) => [plugin, drawn?.title ?? error]);
  return { clock, list, cards };
}

test('a page gets the reply to the call before, and a panel is called at most every two seconds', async () => {
  let calls = 0;
  const { clock, cards } = setUp(panelOf('mine', () => content(`call ${++calls}`)));
  expect(cards()).toEqual([
    ['mine', null],
    ['gone', 'parked: no'],
  ]);
  await setImmediate();
  for (clock.now = 0; clock.now < 2000; clock.now += 100) expect(cards()[0]).toEqual(['mine', 'call 1']);
  expect(cards()[0]).toEqual(['mine', 'call 1']);
  await setImmediate();
  expect(cards()[0]).toEqual(['mine', 'call 2']);
  expect(calls).toBe(2);
});

test('a panel that does not answer delays no page, and is not called a second time meanwhile', async () => {
  let calls = 0;
  let answer: (reply: PanelContent) => void = () => {};
  const slow: Panel = () => {
    calls += 1;
    return new Promise((resolve) => (answer = resolve));
  };
  const { clock, cards } = setUp(panelOf('slow', slow));
  for (clock.now = 0; clock.now < 60_000; clock.now += 5_000) expect(cards()[0]).toEqual(['slow', null]);
  expect(calls).toBe(1);
  answer(content('at last'));
  await setImmediate();
  expect(cards()[0]).toEqual(['slow', 'at last']);
});

test('an error replaces the content, a cancelled call keeps it, and a removed panel has none', async () => {
  const replies: (() => PanelContent)[] = [
    () => content('first'),
    () => {
      throw new CancelledError('restarted');
    },
    () => {
      throw new Error('no data');
    },
  ];
  const { clock, list, cards } = setUp(panelOf('mine', async () => replies.shift()!()));
  const seen = [];
  for (; replies.length > 0; clock.now += 2000) {
    cards();
    await setImmediate();
    clock.now -= 1; // no call is due yet
    seen.push(cards()[0]![1]);
    clock.now += 1;
  }
  expect(seen).toEqual(['first', 'first', 'no data']);
  const [mine] = list.splice(0);
  expect(cards()).toEqual([['gone', 'parked: no']]);
  list.push(mine!);
  expect(cards()[0]).toEqual(['mine', null]);
});
