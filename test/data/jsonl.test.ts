import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportFigures } from '../../src/data/export.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openJsonl, readJsonl } from '../../src/data/jsonl.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'quorum-jsonl-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(...lines: string[]): Promise<string> {
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, lines.join('\n'));
  return file;
}

const row = (extra: object = {}): string => JSON.stringify({ problem: 'What?', images: [], ...extra });

describe('openJsonl', () => {
  it('reads questions and labels apart, and ignores columns it does not know', async () => {
    await writeFile(join(folder, 'a.png'), 'x');
    const file = await write(row({ images: ['a.png'], answer: 7, source: { any: 1 }, kind: 'k' }), '', row({ id: 'own' }), '');
    const { dataset, labels } = await openJsonl(file);
    expect(dataset.size).toBe(2);
    expect(dataset.question(0)).toEqual({
      id: 'rows/1',
      text: 'What?',
      pictures: [{ type: 'file', path: join(folder, 'a.png') }],
      origin: 'dataset',
      kind: 'k',
    });
    expect(labels.label('rows/1')).toBe('7');
    expect(labels.label('rows/own')).toBeUndefined();
    expect(() => dataset.question(2)).toThrow(/outside 0\.\.1/);
  });

  it.each([
    ['no JSON', ['{"problem": '], /rows\.jsonl:1: not JSON/],
    ['a missing problem', [row(), JSON.stringify({ images: [] })], /rows\.jsonl:2: problem: /],
    ['an empty problem', [row({ problem: ' ' })], /:1: problem: /],
    ['images that are no list', [row({ images: 'a.png' })], /:1: images: /],
    ['an entry of images that is no path', [row({ images: ['a', 3] })], /:1: images\.1: /],
    ['an object as answer', [row({ answer: {} })], /:1: answer: /],
    ['a picture that is not there', [row({ images: ['gone.png'] })], /rows\/1: images: .*gone\.png does not exist/],
    ['an id used twice', [row({ id: 'x' }), row({ id: 'x' })], /"rows\/x" appears twice/],
    ['nothing', [''], /holds no questions/],
    ['a list instead of an object', ['[]'], /:1: the line: /],
    ['an endless line', [row(), `"${'x'.repeat(1_100_000)}`], /rows\.jsonl:2: line is longer/],
  ])('names file, line and field for %s', async (_, lines, message) => {
    const file = await write(...lines);
    await expect(openJsonl(file)).rejects.toThrow(message);
    await expect(openJsonl(file)).rejects.toMatchObject({ name: 'InputError' });
  });

  it('says so when the file is missing', async () => {
    await expect(openJsonl(join(folder, 'none.jsonl'))).rejects.toThrow(/none\.jsonl: cannot be read/);
  });

  it('streams: the first row is there before a later line is found bad', async () => {
    const rows = readJsonl(await write(row(), 'bad'));
    expect((await rows.next()).value?.question.text).toBe('What?');
    await expect(rows.next()).rejects.toThrow(/:2:/);
  });

  it('reads characters that straddle chunks', async () => {
    const problem = 'ü'.repeat(70_001);
    const { dataset } = await openJsonl(await write(row({ problem })));
    expect(dataset.question(0).text).toBe(problem);
  });
});

describe('exportFigures', () => {
  it('writes what openJsonl reads back: same questions, labels and pixels', async () => {
    const options = { pool: 'train', pictures: 5, seed: 9 } as const;
    const figures = openFigures(options);
    const written = await exportFigures(folder, options);
    expect(written).toEqual({ questions: figures.dataset.size, pictures: 5 });
    const { dataset, labels } = await openJsonl(join(folder, 'data.jsonl'));
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
