/** The ladder: levels, what a working says, drawings, and where the level is known. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { exportFigures } from '../../src/data/export.ts';
import { readingPrompt } from '../../src/data/figures/ask.ts';
import { drawFigure, formatKey, ladderScene, parseKey, type FigureKey } from '../../src/data/figures/figure.ts';
import { openLadder } from '../../src/data/figures/ladder/dataset.ts';
import { LEVELS } from '../../src/data/figures/ladder/family.ts';
import { FAMILY_NAMES, ladderQuestion, rungAt } from '../../src/data/figures/ladder/table.ts';
import { openData, openPaths } from '../../src/data/open.ts';
import { Random } from '../../src/data/rng.ts';
import { accuracy } from '../../src/roles/accuracy.ts';
import { temporaryFolder } from '../support/temporary.ts';

const key = (index: number, rendering: FigureKey['rendering'] = 'plain'): FigureKey => ({
  set: 'ladder',
  rendering,
  pool: 'test',
  seed: 3,
  index,
});

const RUNGS = FAMILY_NAMES.length * LEVELS;
const items = Array.from({ length: 10 * RUNGS }, (_, index) => ({
  ...rungAt(index),
  ...ladderQuestion(rungAt(index), ladderScene(key(index)), new Random(index)),
}));

/** The value of `3+4-2`, without knowing how it was made. */
const value = (terms: string): number => (terms.match(/[+-]?\d+/g) ?? []).reduce((sum, term) => sum + Number(term), 0);

describe('a rung', () => {
  it('is each family at each level once in 60 pictures', () => {
    const rungs = Array.from({ length: RUNGS }, (_, index) => JSON.stringify(rungAt(index)));
    expect(new Set(rungs).size).toBe(RUNGS);
    expect(RUNGS).toBe(60);
  });

  it('of level n is read in n numbers and worked out in n - 1 true steps; one more where hours pass 12', () => {
    for (const { family, level, reading, working, answer } of items) {
      const words = working.split(' ');
      const steps = words.filter((word) => word.includes('='));
      const read = words.slice(0, words.length - steps.length);
      expect([read.length, read.join(' ')]).toEqual([level, reading]);
      for (const step of steps) {
        const [left, right] = step.split('=') as [string, string];
        expect(value(left)).toBe(Number(right));
      }
      const wraps = family === 'hours' && value(read.map((term) => `+${term}`).join('')) > 12;
      expect(steps).toHaveLength(level - 1 + Number(wraps));
      // Each step begins with the result of the one before, and the last one is the answer.
      expect([read[0]!, ...steps.map((step) => step.split('=')[1]!)].at(-1)).toBe(String(answer));
      steps.forEach((step, i) => {
        const before = i === 0 ? read[0]! : steps[i - 1]!.split('=')[1]!;
        expect(step).toMatch(new RegExp(`^${before}[+-]`));
      });
    }
  });

  it('can be asked for its reading, in words that keep what the question asks for', () => {
    for (const { text } of items)
      expect(readingPrompt(text)).toMatch(new RegExp(`^Read .* ${text.replace('?', '[?]')}$`));
  });

  it('takes longer to work out the higher it is, up to about 120 characters, each a token', () => {
    const longest = Array.from({ length: LEVELS }, (_, i) =>
      Math.max(...items.filter(({ level }) => level === i + 1).map(({ working }) => working.length)),
    );
    expect(longest).toEqual(longest.toSorted((a, b) => a - b));
    expect(longest.at(-1)).toBeGreaterThan(100);
    expect(longest.at(-1)).toBeLessThan(130);
  });

  it('has an answer that its text does not tell: a whole number, many of them at high levels', () => {
    expect(items.every(({ answer }) => Number.isInteger(answer) && answer >= 0)).toBe(true);
    expect(items.every(({ text }) => !/[{\d]/.test(text))).toBe(true);
    for (const family of FAMILY_NAMES) {
      const answers = items.filter((item) => item.family === family && item.level > 6).map(({ answer }) => answer);
      expect(new Set(answers).size).toBeGreaterThan(4);
    }
  });
});

describe('drawings', () => {
  it('are the same bytes on every platform, and differ by rendering', () => {
    const hash = createHash('sha256');
    for (let index = 0; index < RUNGS; index++) hash.update(drawFigure(key(index)).data);
    expect(hash.digest('hex')).toMatchInlineSnapshot(
      `"c66928e6e79636ec8facbe43afb6fcb723ef44a4dfdae28740a7653b459ff2e7"`,
    );
    expect(drawFigure(key(8)).data).not.toEqual(drawFigure(key(8, 'hard')).data);
    expect(parseKey(formatKey(key(11)))).toEqual(key(11));
  });

  it('show more ink the higher the level', () => {
    const ink = (index: number): number => {
      const { data } = drawFigure(key(index));
      return data.filter((grey) => grey < 128).length;
    };
    FAMILY_NAMES.forEach((_, family) => {
      const at = (level: number): number => {
        const rounds = Array.from({ length: 8 }, (_, round) => ink(round * RUNGS + (level - 1) * 5 + family));
        return rounds.reduce((sum, each) => sum + each, 0);
      };
      expect(at(12)).toBeGreaterThan(at(6));
      expect(at(6)).toBeGreaterThan(at(1));
    });
  });
});

describe('the data set', () => {
  it('gives levels with the labels, and not in a question', () => {
    const { dataset, labels } = openLadder({ pool: 'train', pictures: RUNGS });
    const levels = Array.from({ length: dataset.size }, (_, i) => labels.level?.(dataset.question(i).id));
    expect(levels).toEqual(Array.from({ length: RUNGS }, (_, i) => 1 + Math.floor(i / 5)));
    const { kind, text } = dataset.question(57);
    expect({ kind, text }).toEqual({ kind: 'ladder/shapes', text: expect.not.stringMatching(/\d/) as unknown });
  });

  it('has families that are chosen, and no picture of another pool', async () => {
    const { data } = configSchema.parse({
      data: { type: 'ladder', families: ['hours', 'chain'], trainQuestions: 40, heldOutQuestions: 30 },
    });
    const { train, heldOut, labels } = await openData(data);
    expect([train.size, heldOut.size]).toEqual([40, 30]);
    const kinds = new Set(Array.from({ length: 40 }, (_, i) => train.question(i).kind));
    expect(kinds).toEqual(new Set(['ladder/chain', 'ladder/hours']));
    const pictures = new Set(train.pictures().map((ref) => JSON.stringify(ref)));
    expect(heldOut.pictures().some((ref) => pictures.has(JSON.stringify(ref)))).toBe(false);
    expect(labels.label(heldOut.question(3).id)).toMatch(/^\d+$/);
  });

  it.each(['data.jsonl', 'data.parquet'])('is written to %s with a level a row, which is read again', async (name) => {
    const ladder = openLadder({ pool: 'suite', pictures: RUNGS, seed: 2 });
    const { file } = await exportFigures(join(temporaryFolder(), name), ladder);
    const { dataset, labels } = await openPaths([file]);
    for (let i = 0; i < RUNGS; i++) {
      const own = ladder.dataset.question(i).id;
      const { id } = dataset.question(i);
      expect([labels.label(id), labels.level?.(id)]).toEqual([ladder.labels.label(own), ladder.labels.level?.(own)]);
    }
  });
});

it('accuracy is given by level, in order, if there are levels', () => {
  const marks = (level: number | undefined, right: number) => ({
    kind: 'all',
    level,
    answer: '1',
    right,
    passK: right,
    majority: right === 1,
  });
  const of = accuracy([marks(10, 0), marks(2, 1), marks(10, 1), marks(undefined, 1)], [], 2);
  expect(Object.entries(of.levels ?? {})).toEqual([
    ['2', 1],
    ['10', 0.5],
  ]);
  expect(accuracy([marks(undefined, 1)], [], 2)).not.toHaveProperty('levels');
});
