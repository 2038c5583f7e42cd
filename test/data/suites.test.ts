import { describe, expect, it } from 'vitest';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { SCENE_KINDS } from '../../src/data/figures/scenes.ts';
import { SUITE_NAMES, suiteOptions, suites } from '../../src/data/suites.ts';

const sceneKinds = (dataset: { size: number; question(i: number): { kind?: string } }) => [
  ...new Set(Array.from({ length: dataset.size }, (_, i) => dataset.question(i).kind?.split('/')[0])),
];

describe('suites', () => {
  it('has at least four that differ in kind, and one drawn harder, with a label for every question', () => {
    const all = suites(1, 30);
    expect(all.map(({ name }) => name)).toEqual(['geometry', 'charts', 'counting', 'clocks', 'hard']);
    expect(all.map(({ dataset }) => sceneKinds(dataset))).toEqual([
      ['rectangle', 'triangle'],
      ['bars'],
      ['grid'],
      ['clock'],
      [...SCENE_KINDS],
    ]);
    for (const { dataset, labels } of all) {
      expect([dataset.size, dataset.pictures().length]).toEqual([30, 30]);
      for (let i = 0; i < dataset.size; i++) expect(labels.label(dataset.question(i).id)).toMatch(/^\d+$/);
    }
  });

  it('shares no picture with the pools that are learnt from or steered by, and is the same for the same seed', () => {
    const keys = (pictures: readonly object[]) => pictures.map((ref) => JSON.stringify(ref));
    const others = (['train', 'heldout', 'pretrain'] as const).flatMap((pool) =>
      (['plain', 'hard'] as const).flatMap((rendering) =>
        keys(openFigures({ pool, pictures: 60, seed: 1, rendering }).dataset.pictures()),
      ),
    );
    const own = suites(1, 20).flatMap(({ dataset }) => keys(dataset.pictures()));
    expect(own.filter((key) => others.includes(key))).toEqual([]);
    expect(suites(1, 20).flatMap(({ dataset }) => keys(dataset.pictures()))).toEqual(own);
    expect(suites(2, 20).flatMap(({ dataset }) => keys(dataset.pictures()))).not.toEqual(own);
  });

  it('can be drawn one by one', () => {
    for (const [i, name] of SUITE_NAMES.entries()) {
      const { dataset } = openFigures(suiteOptions(name, 4, 5));
      expect(dataset.question(4)).toEqual(suites(4, 5)[i]?.dataset.question(4));
    }
  });

  it('refuses figures of no kind', () => {
    expect(() => openFigures({ pool: 'train', pictures: 1, kinds: [] })).toThrow(/figures of no kind/);
  });
});
