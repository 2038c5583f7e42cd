import { expect, test } from 'vitest';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import type { Performers } from '../../streams/performers.ts';
import { watching } from '../../streams/watch.ts';
import { memoryStore } from '../support/rig.ts';

type Watcher = Performers['watchers'][number];

const event = (version: number) => ({ type: 'learnt', version: { n: version } }) as unknown as LoopEvent;

function recorder(fails: (event: LoopEvent) => boolean) {
  const told: LoopEvent[] = [];
  let items = 0;
  const watcher: Watcher = {
    id: 'watch-recorder',
    plugin: 'recorder',
    waitsFor: () => {},
    takesFrom: () => {},
    async perform({ run, signal }) {
      items += 1;
      return run((next) => {
        if (fails(next)) throw new Error('no');
        told.push(next);
      }, signal);
    },
  };
  return { watcher, told, items: () => items };
}

function setUp(fails: (event: LoopEvent) => boolean = () => false, store = memoryStore()) {
  const losses: string[] = [];
  const watch = watching({
    store,
    bound: 64,
    seconds: 5,
    end: new AbortController().signal,
    onLoss: (_, reason) => losses.push(reason),
  });
  const recorded = recorder(fails);
  watch.follow([recorded.watcher]);
  const done = new Promise<void>((resolve, reject) => watch.run$.subscribe({ complete: resolve, error: reject }));
  return { ...recorded, losses, watch, done };
}

test('events that come together are delivered in order by few items of the actor', async () => {
  const { watch, told, items, done } = setUp();
  const events = Array.from({ length: 40 }, (_, i) => event(i));
  for (const each of events) watch.announce(each);
  watch.close();
  await done;
  expect(told).toEqual(events);
  expect(items()).toBeLessThan(4);
});

test('an event at which it fails is lost, the others with it are not', async () => {
  const events = Array.from({ length: 9 }, (_, i) => event(i));
  const { watch, told, losses, done } = setUp((each) => each === events[4]);
  for (const each of events) watch.announce(each);
  watch.close();
  await done;
  expect(told).toEqual(events.filter((each) => each !== events[4]));
  expect(losses).toEqual(['no']);
});

test('past its bound it loses events, and the loop does not wait', async () => {
  const { watch, told, losses, done } = setUp();
  for (let i = 0; i < 100; i += 1) watch.announce(event(i));
  watch.close();
  await done;
  expect(told.length).toBeLessThanOrEqual(65);
  expect(losses).toEqual(['it is slower than the loop: events are lost (more than 64 wait)']);
});
