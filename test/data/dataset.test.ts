import { describe, expect, it } from 'vitest';
import { HARD_POOL, HELDOUT_POOL, openFigures, TRAIN_POOL } from '../../src/data/figures/dataset.ts';

describe('openFigures', () => {
  it('has the default pools: all questions of 4,096 pictures to learn from, one each of 1,000 to measure on', () => {
    const train = openFigures(TRAIN_POOL).dataset;
    const heldout = openFigures(HELDOUT_POOL).dataset;
    const keys = (dataset: typeof train) =>
      new Set(Array.from({ length: dataset.size }, (_, i) => JSON.stringify(dataset.question(i).pictures)));
    expect(keys(train).size).toBe(4096);
    expect(train.size).toBeGreaterThan(10_000);
    expect([heldout.size, keys(heldout).size]).toEqual([1000, 1000]);
    const measured = keys(heldout);
    expect([...keys(train)].filter((key) => measured.has(key))).toEqual([]);
  });

  it('gives every question a unique id and a label that only `labels` knows', () => {
    const { dataset, labels } = openFigures({ pool: 'train', pictures: 50 });
    const questions = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
    expect(new Set(questions.map(({ id }) => id)).size).toBe(dataset.size);
    for (const question of questions) {
      expect(labels.label(question.id)).toMatch(/^\d+$/);
      expect(Object.keys(question).toSorted()).toEqual(['id', 'kind', 'origin', 'pictures', 'text']);
    }
    expect(labels.label('figures/none')).toBeUndefined();
  });

  it('asks the same in the shifted suite, on other pictures', async () => {
    const [plain, hard] = [openFigures(HELDOUT_POOL), openFigures(HARD_POOL)];
    for (let i = 0; i < 20; i++) {
      const [a, b] = [plain.dataset.question(i), hard.dataset.question(i)];
      expect([a.text, plain.labels.label(a.id)]).toEqual([b.text, hard.labels.label(b.id)]);
      expect((await plain.dataset.picture(a.pictures[0]!)).data).not.toEqual(
        (await hard.dataset.picture(b.pictures[0]!)).data,
      );
    }
  });
});
