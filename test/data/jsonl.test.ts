import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportFigures } from '../../src/data/export.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openPaths, readFile } from '../../src/data/open.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'quorum-jsonl-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(...lines: string[]): Promise<string> {
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, lines.join('\n'));
  return file;
}

const row = (extra: object = {}): string => JSON.stringify({ problem: 'What?', images: [], ...extra });

describe('openPaths, of JSONL', () => {
  it('reads questions and labels apart, and ignores columns it does not know', async () => {
    await writeFile(join(folder, 'a.png'), 'x');
    const file = await write(
      row({ images: ['a.png'], answer: 7, source: { any: 1 }, kind: 'k' }),
      '',
      row({ id: 'own' }),
      '',
    );
    const { dataset, labels } = await openPaths([file]);
    expect(dataset.size).toBe(2);
    expect(dataset.question(0)).toEqual({
      id: expect.stringMatching(/^rows\/[0-9a-f]{16}$/) as string,
      text: 'What?',
      pictures: [{ type: 'file', path: join(folder, 'a.png') }],
      origin: 'dataset',
      kind: 'k',
    });
    expect(labels.label(dataset.question(0).id)).toBe('7');
    expect(labels.label('rows/own')).toBeUndefined();
    expect(() => dataset.question(2)).toThrow(/outside 0\.\.1/);
  });

  it.each([
    ['no JSON', ['{"problem": '], /rows\.jsonl:1: not JSON/],
    ['a missing problem', [row(), JSON.stringify({ images: [] })], /rows\.jsonl:2: needs a column of questions/],
    ['an empty problem', [row({ problem: ' ' })], /:1: problem: /],
    ['images that are no path', [row({ images: 7 })], /:1: images: expected the path of a picture/],
    ['an entry of images that is no path', [row({ images: [3] })], /:1: images\.0: expected the path/],
    ['an object as answer', [row({ answer: {} })], /:1: answer: /],
    [
      'a picture that is not there',
      [row({ images: ['gone.png'] })],
      /rows\.jsonl:1: images\.0: .*gone\.png does not exist/,
    ],
    ['an id used twice', [row({ id: 'x' }), row({ id: 'x' })], /"rows\/x" appears twice/],
    ['nothing', [''], /holds no questions/],
    [
      'choices without the answer',
      [row({ choices: ['a', 'b'], answer: 'c' })],
      /:1: answer "c" is neither a letter nor one of the choices: a \| b/,
    ],
    ['a single choice', [row({ choices: ['a'] })], /:1: choices: \["a"\] is no list of 2 to 26 choices/],
    ['a number instead of an object', [row(), '3'], /:2: the line: /],
    ['an endless line', [row(), `"${'x'.repeat(33_000_000)}`], /rows\.jsonl:2: line is longer/],
  ])('names file, line and field for %s', async (_, lines, message) => {
    const file = await write(...lines);
    await expect(openPaths([file])).rejects.toThrow(message);
    await expect(openPaths([file])).rejects.toMatchObject({ name: 'InputError' });
  });

  it('formats choices, and takes one picture as a list of one', async () => {
    await writeFile(join(folder, 'a.png'), 'x');
    const file = await write(row({ images: undefined, image: 'a.png', choices: ['3', '4'], answer: 4 }));
    const { dataset, labels } = await openPaths([file]);
    expect(dataset.question(0).text).toBe('What?\nChoices:\nA. 3\nB. 4');
    const { id } = dataset.question(0);
    expect([labels.label(id), labels.alternatives?.(id)]).toEqual(['B', ['4', 'B. 4']]);
    expect(dataset.pictures()).toEqual([{ type: 'file', path: join(folder, 'a.png') }]);
  });

  it('reads other columns when told to, and pictures without questions', async () => {
    await writeFile(join(folder, 'a.png'), 'x');
    const file = await write(
      JSON.stringify({ images: ['a.png'], text: 'Why?', meta: { level: 3 } }),
      JSON.stringify({ images: ['a.png'] }),
    );
    await expect(openPaths([file])).rejects.toThrow(
      /:1: needs a column of questions: .*it has `images`, `text`, `meta`, `meta\.level`/,
    );
    const { dataset } = await openPaths([file], { picturesAlone: true });
    expect([dataset.size, dataset.pictures().length]).toEqual([0, 1]);
    const named = openPaths([file], { columns: { question: 'text', kind: 'meta.level' } });
    await expect(named).rejects.toThrow(/:2: has no column "text", named for question/);
  });

  it('knows a row without an id by its content, wherever it stands; equal rows are counted', async () => {
    await writeFile(join(folder, 'a.png'), 'x');
    await writeFile(join(folder, 'same.png'), 'x');
    await writeFile(join(folder, 'other.png'), 'y');
    const rows = [
      row(),
      row({ images: ['a.png'] }),
      row({ images: ['same.png'] }),
      row({ images: ['other.png'] }),
      row({ choices: ['3', '4'] }),
    ];
    const ids = async (lines: readonly string[]) => {
      const { dataset } = await openPaths([await write(...lines)]);
      return Array.from({ length: dataset.size }, (_, i) => dataset.question(i).id);
    };
    const before = await ids(rows);
    expect(before[2]).toBe(`${before[1]}-2`);
    expect(new Set(before).size).toBe(5);
    expect((await ids([row({ problem: 'New?' }), ...rows.toReversed()])).slice(1).toSorted()).toEqual(
      before.toSorted(),
    );
  });

  it('says so when the file is missing', async () => {
    await expect(openPaths([join(folder, 'none.jsonl')])).rejects.toThrow(/none\.jsonl: cannot be read/);
  });

  it('streams: the first row is there before a later line is found bad', async () => {
    const rows = readFile({ path: await write(row(), 'bad'), name: 'rows', refs: new Map() });
    expect((await rows.next()).value?.row.text).toBe('What?');
    await expect(rows.next()).rejects.toThrow(/:2:/);
  });

  it('reads characters that straddle chunks', async () => {
    const problem = 'ü'.repeat(70_001);
    const { dataset } = await openPaths([await write(row({ problem }))]);
    expect(dataset.question(0).text).toBe(problem);
  });
});

describe('exportFigures', () => {
  it('writes what openPaths reads back: same questions, labels and pixels', async () => {
    const options = { pool: 'train', pictures: 5, seed: 9 } as const;
    const figures = openFigures(options);
    const written = await exportFigures(folder, figures);
    expect(written).toEqual({ questions: figures.dataset.size, pictures: 5, file: join(folder, 'data.jsonl') });
    const { dataset, labels } = await openPaths([join(folder, 'data.jsonl')]);
    for (let i = 0; i < dataset.size; i++) {
      const [read, made] = [dataset.question(i), figures.dataset.question(i)];
      expect([read.text, read.kind]).toEqual([made.text, made.kind]);
      expect(labels.label(read.id)).toBe(figures.labels.label(made.id));
      const picture = await dataset.picture(read.pictures[0]!);
      const drawn = await figures.dataset.picture(made.pictures[0]!);
      const step = picture.data.length / drawn.data.length;
      expect(drawn.data.every((grey, at) => picture.data[at * step] === grey)).toBe(true);
    }
  });
});
