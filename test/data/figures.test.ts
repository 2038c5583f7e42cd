import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/protocol/errors.ts';
import {
  drawFigure,
  figureTasks,
  formatKey,
  parseKey,
  sceneOf,
  type FigureKey,
} from '../../src/data/figures/figure.ts';
import { TASK_KINDS, response } from '../../src/data/figures/tasks.ts';

const key = (index: number, rendering: FigureKey['rendering'] = 'plain'): FigureKey => ({
  rendering,
  pool: 'test',
  seed: 3,
  index,
});

/** Reads `3+4=7` and the like without knowing how they were made. */
function evaluate(left: string): number {
  return left.split('+').reduce((total, term) => {
    const [first = '', ...rest] = term.split('-');
    return total + rest.reduce((value, part) => value - product(part), product(first));
  }, 0);
}

function product(text: string): number {
  return text.split('*').reduce((value, factor) => value * Number(factor), 1);
}

describe('figures', () => {
  it('redraws the same bytes from the key, on every platform', () => {
    const hash = createHash('sha256');
    for (let index = 0; index < 20; index++)
      hash.update(drawFigure(key(index)).data).update(drawFigure(key(index, 'hard')).data);
    expect(hash.digest('hex')).toMatchInlineSnapshot(
      `"98744f469106fe38737e525e663b114dd5c33e0ad6fc7383086065593e2eca82"`,
    );
  });

  it('shows the same scene in both renderings, drawn differently', () => {
    expect(sceneOf(key(8))).toEqual(sceneOf(key(8, 'hard')));
    expect(drawFigure(key(8)).data).not.toEqual(drawFigure(key(8, 'hard')).data);
  });

  it('parses what it formats, and refuses what is no key', () => {
    expect(parseKey(formatKey(key(11)))).toEqual(key(11));
    for (const bad of ['', 'plain/test/3', 'soft/test/3/1', 'plain/test/3/-1', 'constructor/test/3/1']) {
      expect(() => parseKey(bad)).toThrow(InputError);
    }
  });

  it('asks every kind of question, with integer answers', () => {
    const tasks = Array.from({ length: 200 }, (_, index) => figureTasks(key(index))).flat();
    expect([...new Set(tasks.map(({ kind }) => kind))].toSorted()).toEqual(TASK_KINDS.toSorted());
    expect(tasks.every(({ answer }) => Number.isInteger(answer) && answer >= 0 && answer <= 180)).toBe(true);
    expect(tasks.every(({ text }) => !text.includes('{'))).toBe(true);
  });

  it('works every answer out with true equations that end in it', () => {
    for (let index = 0; index < 500; index++) {
      for (const task of figureTasks(key(index))) {
        for (const working of task.workings) {
          const lines = working.split(' ').filter((part) => part.includes('='));
          for (const line of lines) {
            const [left = '', right = ''] = line.split('=');
            expect([line, evaluate(left)]).toEqual([line, Number(right)]);
          }
          const last = lines.at(-1)?.split('=')[1];
          if (last === undefined) expect(working.split(' ').map(Number)).toContain(task.answer);
          else expect([working, Number(last)]).toEqual([working, task.answer]);
          expect(response(task, working)).toBe(`${working} \\boxed{${task.answer}}`);
        }
      }
    }
  });

  it('puts ink on paper: dark strokes on a lighter ground, more noise when hard', () => {
    const spread = (rendering: FigureKey['rendering']) => {
      let total = 0;
      for (let index = 0; index < 50; index++) {
        const { data } = drawFigure(key(5 * index + 4, rendering));
        const corner = [0, 1, 40, 41, 2, 42, 80, 81, 82].map((at) => data[at] ?? 0);
        const mean = corner.reduce((sum, value) => sum + value, 0) / corner.length;
        expect(mean).toBeGreaterThan(Math.min(...data) + 50);
        total += Math.sqrt(corner.reduce((sum, value) => sum + (value - mean) ** 2, 0) / corner.length);
      }
      return total;
    };
    expect(spread('hard')).toBeGreaterThan(1.5 * spread('plain'));
  });
});
