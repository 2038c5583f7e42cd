import { describe, expect, it } from 'vitest';
import { openPaths } from '../../src/data/open.ts';
import type { OpenOptions } from '../../src/data/rows.ts';
import { file, read } from '../support/data-folder.ts';

describe('multiple choice', () => {
  const rows = (...list: readonly (readonly [readonly unknown[], unknown])[]): string =>
    file(
      'rows.json',
      list.map(([choices, answer], i) => ({ question: `q${i}`, images: null, choices, answer })),
    );
  const labels = async (path: string, options?: OpenOptions) => (await read(path, options)).map(({ label }) => label);
  const notes = async (path: string, options?: OpenOptions) => (await openPaths([path], options)).notes;

  it('takes numbers with text choices as positions counted from 0 (ScienceQA), and notes when they could be values', async () => {
    const science = rows([['yes', 'no', 'both'], 2], [['a', 'b'], 0]);
    expect([await labels(science), await notes(science)]).toEqual([['C', 'A'], []]);
    const unclear = rows([['1', '2', '3'], 2], [['0', '1'], 1]);
    expect(await labels(unclear)).toEqual(['C', 'B']);
    expect(await notes(unclear)).toEqual([
      expect.stringMatching(
        /answers are taken as positions .* both a position and the text .* --set data\.answerIs=value/,
      ),
    ]);
    expect([await labels(unclear, { answerIs: 'value' }), await notes(unclear, { answerIs: 'value' })]).toEqual([
      ['B', 'B'],
      [],
    ]);
  });

  it('takes texts, and numbers with number choices, as values if all can be', async () => {
    expect(await labels(rows([['1', '2', '3'], '2']))).toEqual(['B']);
    expect(await notes(rows([['1', '2', '3'], '2']))).toEqual([expect.stringContaining('--set data.answerIs=index')]);
    expect(await labels(rows([['1', '2', '3'], '2']), { answerIs: 'index' })).toEqual(['C']);
    expect(await labels(rows([['3', '4'], 4], [['7', '8'], 7]))).toEqual(['B', 'A']);
    expect(await labels(rows([[1, 2, 3], 2]))).toEqual(['B']);
    await expect(read(rows([['x', 'y'], 1], [['x', 'y'], 2]))).rejects.toThrow(
      /rows\.json:1: answer "1" is neither a letter nor one of .* x \| y; .*data\.answerIs/,
    );
    await expect(read(rows([['x', 'y'], 'A']), { answerIs: 'index' })).rejects.toThrow(
      /answer "A" is not a position in the choices, counted from 0: x \| y/,
    );
  });

  it('takes several letters, a letter with its text, and full-width letters', async () => {
    const list = ['3', '4', '5', '6'];
    expect(
      await labels(
        rows(
          [list, 'AC'],
          [list, 'B. 4'],
          [list, '\uff22'],
          [list, '\uff08\uff23\uff09'],
          [list, 'D, A'],
          [list, ['A', 'B']],
        ),
      ),
    ).toEqual(['AC', 'B', 'B', 'C', 'AD', 'AB']);
    expect((await read(rows([list, 'AC'])))[0]!.others).toContain('A, C');
    expect(await labels(rows([['AB', 'BC'], 'AB'], [['x', 'y'], 'y']))).toEqual(['A', 'B']);
    expect(
      await labels(
        file('rows.json', [
          { question: 'q', images: [], answer: '\uff22' },
          { question: 'r', images: [], answer: ['7', 'seven'] },
        ]),
      ),
    ).toEqual(['B', '7']);
    expect(await labels(rows([['A. 3', 'B. 4'], '4']))).toEqual(['B']);
  });
});
