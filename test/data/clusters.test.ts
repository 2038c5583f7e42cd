import { expect, test } from 'vitest';
import { clusterOf, patternOf } from '../../src/data/clusters.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openLadder } from '../../src/data/figures/ladder/dataset.ts';
import { looksOf } from '../../src/data/looks.ts';
import { loadPicture } from '../../src/data/picture.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Picture, Question } from '../../src/protocol/messages.ts';

const SIDE = 40;

/** A grey picture with black squares of 3 by 3 at these places of a grid of 8 pixels. */
function squares(places: number, scale = 1, paper = 255, channels: 1 | 3 = 1): Picture {
  const side = SIDE * scale;
  const data = new Uint8Array(side * side * channels).fill(paper);
  for (let place = 0; place < places; place++) {
    const [left, top] = [(place % 5) * 8 + 2, Math.floor(place / 5) * 8 + 2];
    for (let y = top * scale; y < (top + 3) * scale; y++)
      data.fill(255 - paper, (y * side + left * scale) * channels, (y * side + (left + 3) * scale) * channels);
  }
  return { width: side, height: side, channels, data };
}

test.each([
  ['as it is', squares(7)],
  ['in colour', squares(7, 1, 255, 3)],
  ['white on black', squares(7, 1, 0)],
])('the pieces of a picture are counted, and the outlines between ink and paper measured: %s', (_, picture) => {
  expect(looksOf(picture)).toEqual({ parts: 7, edges: (7 * 12) / SIDE ** 2 });
});

test('an empty picture has neither, and a large one is looked at from afar', () => {
  expect(looksOf(squares(0))).toEqual({ parts: 0, edges: 0 });
  expect(looksOf(squares(7, 8)).parts).toBe(7);
  expect(looksOf({ width: 1, height: 1, channels: 1, data: Uint8Array.of(9) })).toEqual({ parts: 0, edges: 0 });
});

test('a pattern has the first words, and every number is the same', () => {
  expect(patternOf('What is 3 + 12.5?')).toBe('what is # #');
  expect(patternOf('What is 4 + 7?')).toBe('what is # #');
  expect(patternOf('Wie groß ist die Fläche?')).toBe('wie groß ist die');
  expect(patternOf('?!')).toBe('');
});

const question = (own: Partial<Question>): Question => ({
  id: 'q',
  text: 'How many?',
  pictures: [],
  origin: 'dataset',
  ...own,
});

test('a cluster is of one origin, one kind and one look', async () => {
  const file = (path: string) => ({ type: 'file' as const, path });
  const load = async (ref: { path: string }) => squares(Number(ref.path));
  const of = (own: Partial<Question>) => clusterOf(question(own), load as never);
  expect(await of({})).toBe('how many · no picture');
  expect(await of({ origin: 'plugin', kind: 'count' })).toBe('plugin · count · no picture');
  expect(await of({ pictures: [file('7')] })).toBe('how many · edges 1, parts 4-15');
  expect(await of({ pictures: [file('7'), file('20')] })).toBe('how many · edges 6, parts 16-63');
});

test('a picture that cannot be read is a look; another failure is no look', async () => {
  const pictures = [{ type: 'file' as const, path: 'gone.png' }];
  expect(await clusterOf(question({ pictures }), loadPicture)).toBe('how many · unreadable');
  const broken = () => Promise.reject(new TypeError('a bug'));
  await expect(clusterOf(question({ pictures }), broken)).rejects.toThrow('a bug');
  await expect(clusterOf(question({ pictures }), () => Promise.reject(new InputError('bad')))).resolves.toContain(
    'unreadable',
  );
});

test('on the ladder, a cluster spans few levels, though no level is read', async () => {
  const { dataset, labels } = openLadder({ pool: 'train', pictures: 600 });
  const levels = new Map<string, number[]>();
  for (let i = 0; i < dataset.size; i++) {
    const each = dataset.question(i);
    const cluster = await clusterOf(each, loadPicture);
    levels.set(cluster, [...(levels.get(cluster) ?? []), labels.level!(each.id)!]);
  }
  expect(levels.size).toBeGreaterThan(40);
  expect(levels.size).toBeLessThan(160);
  const spread = (all: readonly number[]) => {
    const mean = all.reduce((sum, level) => sum + level, 0) / all.length;
    return all.reduce((sum, level) => sum + (level - mean) ** 2, 0);
  };
  const all = [...levels.values()];
  const within = all.reduce((sum, each) => sum + spread(each), 0);
  expect(within / spread(all.flat())).toBeLessThan(0.1); // of the variance of the levels
});

test('a cluster depends on the question alone', async () => {
  const { dataset } = openFigures({ pool: 'train', pictures: 20, questions: 'one' });
  for (let i = 0; i < dataset.size; i++) {
    const [one, two] = [dataset.question(i), { ...dataset.question(i), id: 'another' }];
    expect(await clusterOf(one, loadPicture)).toBe(await clusterOf(two, loadPicture));
  }
});
