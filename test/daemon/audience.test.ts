import { expect, test } from 'vitest';
import { Audience } from '../../src/daemon/audience.ts';
import type { OfPlugin } from '../../src/protocol/performer.ts';
import type { Export, LoopEvent, Watch } from '../../src/protocol/ports.ts';
import { memoryStore } from '../support/rig.ts';

function actorOf<P>(plugin: string, port: P): OfPlugin<P> {
  const nothing = () => {};
  return {
    id: `actor-${plugin}`,
    plugin,
    perform: (item) => item.run(port, item.signal),
    waitsFor: nothing,
    takesFrom: nothing,
  };
}

function setUp({ stopSeconds = 5 } = {}) {
  const store = memoryStore();
  const notes: string[] = [];
  const audience = new Audience({ store, callSeconds: 5, stopSeconds, note: (text) => notes.push(text) });
  /** Stores a version and tells of it, as the loop does. */
  const learn = (n: number) => {
    const version = { n, parent: n - 1, batchId: null, metrics: null };
    store.saveVersion(version);
    audience.announce({ type: 'learnt', version });
  };
  return { store, notes, audience, learn };
}
const versionOf = (event: LoopEvent) => (event.type === 'learnt' ? event.version.n : undefined);

test('a close waits until watchers and exporters have taken every event; after it none is delivered', async () => {
  const { notes, audience, learn } = setUp();
  const heard: (number | undefined)[] = [];
  const taken: string[] = [];
  const slow: Watch = async (event) => {
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(versionOf(event));
  };
  const take: Export = ({ records }) => void taken.push(...records.map(({ type }) => type));
  audience.follow({ watchers: [actorOf('slow', slow)], exporters: [actorOf('takes', take)] });
  for (const n of [1, 2, 3]) learn(n);
  await audience.close();
  learn(4);
  expect(heard).toEqual([1, 2, 3]);
  expect(taken).toEqual(['learnt', 'learnt', 'learnt']);
  expect(notes).toEqual([]);
});

test('a watcher that hangs is waited for no longer than a stop is, and is named; the next start tells it the rest', async () => {
  const first = setUp({ stopSeconds: 0.05 });
  first.audience.follow({
    watchers: [
      actorOf('stuck', (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))),
    ],
    exporters: [],
  });
  for (const n of [1, 2]) first.learn(n);
  await first.audience.close();
  expect(first.notes).toEqual([
    expect.stringMatching(
      /^telling watchers and exporters the last events: .*: actor-stuck will hear of the rest at the next start$/,
    ),
  ]);

  const heard: (number | undefined)[] = [];
  const { store } = first;
  const next = new Audience({ store, callSeconds: 5, stopSeconds: 5, note: () => {} });
  next.follow({ watchers: [actorOf('stuck', (event) => void heard.push(versionOf(event)))], exporters: [] });
  await next.close();
  expect(heard.at(-1)).toBe(2);
});

test('a new list of watchers takes the place of the old one', async () => {
  const { audience, learn } = setUp();
  const heard: string[] = [];
  const named = (name: string) => actorOf<Watch>(name, (event) => void heard.push(`${name} ${versionOf(event)}`));
  const [a, b] = [named('a'), named('b')];
  audience.follow({ watchers: [a], exporters: [] });
  learn(1);
  await new Promise((resolve) => setImmediate(resolve));
  audience.follow({ watchers: [b], exporters: [] });
  learn(2);
  await audience.close();
  expect(heard).toEqual(['a 1', 'b 2']);
});
