import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listDataset } from '../../src/data/dataset.ts';
import { splitByPicture } from '../../src/data/split.ts';
import type { PictureRef, Question } from '../../src/protocol/messages.ts';

const figure = (index: number): PictureRef => ({ type: 'figure', key: `plain/t/0/${index}` });
const questionOf = (pictures: readonly PictureRef[], i: number): Question => ({
  id: `q${i}`,
  text: `t${i}`,
  pictures,
  origin: 'dataset',
});

function all(dataset: { size: number; question(i: number): Question }): Question[] {
  return Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
}

describe('splitByPicture', () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'quorum-split-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('loses no question and, where there are enough, puts no picture on both sides, however questions share pictures', async () => {
    const pictureLists = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 3 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        pictureLists,
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        fc.nat(),
        async (lists, share, seed) => {
          const questions = lists.map((list, i) => questionOf(list.map(figure), i));
          const { train, heldout, by } = await splitByPicture(listDataset('d', questions), share, seed);
          const keys = (side: Question[]) =>
            new Set(side.flatMap(({ pictures }) => pictures.map((ref) => JSON.stringify(ref))));
          const [trainKeys, heldoutKeys] = [keys(all(train)), keys(all(heldout))];
          if (by === 'picture') expect([...trainKeys].filter((key) => heldoutKeys.has(key))).toEqual([]);
          expect([...all(train), ...all(heldout)].map(({ id }) => id).toSorted()).toEqual(
            questions.map(({ id }) => id).toSorted(),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('knows a copied file by its content', async () => {
    const refs: PictureRef[] = [];
    for (let i = 0; i < 40; i++) {
      const path = join(folder, `p${i}.png`);
      await writeFile(path, `content ${i % 20}`);
      refs.push({ type: 'file', path });
    }
    const { train, heldout } = await splitByPicture(
      listDataset(
        'd',
        refs.map((ref, i) => questionOf([ref], i)),
      ),
      0.5,
    );
    const contents = (side: Question[]) => new Set(side.map(({ id }) => Number(id.slice(1)) % 20));
    const [left, right] = [contents(all(train)), contents(all(heldout))];
    expect([left.size + right.size, left.size > 0, right.size > 0]).toEqual([20, true, true]);
  });

  it('does not depend on order, holds out about the share asked for, and changes with the seed', async () => {
    const questions = Array.from({ length: 2000 }, (_, i) => questionOf([figure(i)], i));
    const ids = async (list: Question[], seed: number) => {
      const { heldout } = await splitByPicture(listDataset('d', list), 0.2, seed);
      return all(heldout)
        .map(({ id }) => id)
        .toSorted();
    };
    const first = await ids(questions, 1);
    expect(await ids(questions.toReversed(), 1)).toEqual(first);
    expect(first.length).toBeGreaterThan(330);
    expect(first.length).toBeLessThan(470);
    expect(await ids(questions, 2)).not.toEqual(first);
  });

  it('holds out questions where pictures are too few for both sides, so that one picture can be trained on', async () => {
    for (let picture = 0; picture < 100; picture++) {
      const questions = Array.from({ length: 3 }, (_, i) => questionOf([figure(picture)], i));
      const { train, heldout, by } = await splitByPicture(listDataset('d', questions), 0.1);
      expect([by, train.size > 0, train.size + heldout.size]).toEqual(['question', true, 3]);
    }
    const many = Array.from({ length: 10 }, (_, i) => questionOf([figure(i)], i));
    expect((await splitByPicture(listDataset('d', many), 0.1)).by).toBe('picture');
    expect((await splitByPicture(listDataset('d', many.slice(1)), 0.1)).by).toBe('question');
  });

  it('refuses a share that leaves a side empty by definition', async () => {
    await expect(splitByPicture(listDataset('d', []), 1)).rejects.toThrow(/share 1 must lie between 0 and 1/);
  });
});
