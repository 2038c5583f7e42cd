import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { Settings } from '../../streams/settings.ts';
import { toyConfig } from '../support/rig.ts';

/** What of a store settings are kept in; the cursors are moved by the test. */
function shelf() {
  const metas = new Map<string, unknown>();
  const store = {
    nextSequence: 0,
    nextBatchId: 0,
    version: 0,
    unlearnt: undefined as number | undefined,
    batchesSince: () =>
      store.unlearnt === undefined ? [] : [{ id: store.unlearnt, parent: store.version, groups: [] }],
    latestVersion: () => ({ n: store.version }) as ReturnType<Store['latestVersion']>,
    meta: (key: string) => metas.get(key),
    setMeta: (key: string, value: unknown) => void metas.set(key, JSON.parse(JSON.stringify(value))),
  };
  const open = (input: ConfigInput = {}) => new Settings(store, toyConfig(input));
  return { store, open, kept: () => metas.get('loop.settings') as readonly unknown[] };
}

const step = (settings: Settings, id: number, sequence: number) =>
  settings.stepOf({ id, groups: [{ group: { sequence } }] as never });

describe('Settings', () => {
  test('a change applies from the next admission and the next batch on, also after a restart', () => {
    const { store, open } = shelf();
    const settings = open();
    Object.assign(store, { nextSequence: 10, nextBatchId: 3 });
    settings.set('sampling.temperature', 0.5);
    settings.set('learner.learningRate', 1e-3);
    for (const each of [settings, open()]) {
      expect([each.samplingOf(9).temperature, each.samplingOf(10).temperature]).toEqual([1, 0.5]);
      expect(step(each, 2, 9)).toEqual({ learningRate: 5e-5, temperature: 1 });
      expect(step(each, 3, 9)).toEqual({ learningRate: 1e-3, temperature: 1 });
      expect(step(each, 9, 10)).toEqual({ learningRate: 1e-3, temperature: 0.5 });
      expect(each.cuts(0, 100)).toEqual([10]);
      expect(each.cuts(10, 100)).toEqual([]);
    }
  });

  test('a batch that was stored and never learnt takes the learning rate of the next start', () => {
    const { store, open } = shelf();
    open();
    Object.assign(store, { nextSequence: 10, nextBatchId: 4, version: 3, unlearnt: 3 });
    const settings = open({ learner: { learningRate: 1e-6 } });
    expect([2, 3, 4].map((id) => step(settings, id, 9).learningRate)).toEqual([5e-5, 1e-6, 1e-6]);
  });

  test('only what changes how groups are sampled cuts them apart', () => {
    const { store, open } = shelf();
    const settings = open();
    for (const [path, value] of [
      ['loop.maxStaleness', 3],
      ['learner.learningRate', 1e-3],
      ['sampling.samples', 4],
      ['sampling.temperature', 2],
    ] as const) {
      store.nextSequence += 10;
      settings.set(path, value);
    }
    expect(settings.cuts(-1, 100)).toEqual([30, 40]);
    expect(settings.samplingOf(35)).toEqual({ temperature: 1, samples: 4 });
  });

  test('the bound is the largest that a group may still have been admitted under', () => {
    const { store, open } = shelf();
    const settings = open({ loop: { maxStaleness: 2 } });
    store.nextSequence = 10;
    settings.set('loop.maxStaleness', 5);
    store.nextSequence = 20;
    settings.set('loop.maxStaleness', 0);
    expect([0, 9, 10, 19, 20, 99].map((sequence) => settings.maxStalenessFrom(sequence))).toEqual([5, 5, 5, 5, 0, 0]);
  });

  test('the newest word holds: a changed configuration over a live change, a live change over the configuration it was made on', () => {
    const { store, open } = shelf();
    open().set('sampling.samples', 5);
    expect(open().now['sampling.samples']).toBe(5);
    store.nextSequence = 7;
    expect(open({ sampling: { samples: 6 } }).now['sampling.samples']).toBe(6);
    expect(open({ sampling: { samples: 6 } }).samplingOf(6).samples).toBe(5);
    store.nextSequence = 9;
    expect(open().now['sampling.samples']).toBe(8);
  });

  test('keeps what a replay and what is in hand may need, and no more', () => {
    const { store, open, kept } = shelf();
    const settings = open();
    for (let i = 1; i <= 6; i += 1) {
      Object.assign(store, { nextSequence: 10 * i, nextBatchId: i, version: i });
      settings.set('learner.learningRate', 1e-3 * i);
    }
    const before = [3, 4, 5, 6].map((id) => step(settings, id, 10 * id));
    settings.forget(4, 35);
    expect([3, 4, 5, 6].map((id) => step(settings, id, 10 * id))).toEqual(before);
    expect(kept()).toHaveLength(4);
    settings.forget(6, 15);
    expect(kept()).toHaveLength(4);
    for (let i = 0; i < 50; i += 1) settings.set('learner.learningRate', 1e-3 / (i + 1));
    expect(kept()).toHaveLength(4);
  });
});
