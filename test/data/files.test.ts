import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPaths } from '../../src/data/open.ts';
import type { OpenOptions } from '../../src/data/rows.ts';
import { splitByPicture } from '../../src/data/split.ts';
import { ANSWERED, file, folderOf, LLAVA, ONE, read, short, TWO, uri, VERL } from '../support/data-folder.ts';

describe('files of a data set', () => {
  const row = (answer: number): string => `${JSON.stringify({ question: `q${answer}`, image: 'a.png', answer })}\n`;
  const answers = async (paths: string | readonly string[], options?: OpenOptions) =>
    (await read(paths, options)).map(({ label }) => label);

  it('reads folders of pictures with metadata, and splits by the names of files and folders or by a column', async () => {
    const folder = folderOf({
      'pictures/metadata.csv': 'file_name,question,answer\nx.png,How many?,3\n',
      'pictures/x.png': ONE,
      'split/train/metadata.jsonl': `${JSON.stringify({ file_name: 'y.png', question: 'How many?', answer: 3 })}\n`,
      'split/train/y.png': TWO,
      'split/test/metadata.jsonl': row(9),
      'named/geo_val.jsonl': row(2).replace('a.png', '../a.png'),
      'named/geo_test.jsonl': row(3),
      'column.csv': 'question,image,answer,split\na,a.png,1,train\nb,a.png,2,dev\n',
    });
    expect((await read(join(folder, 'pictures'))).map(short)).toEqual([ANSWERED]);
    await expect(read(join(folder, 'split'))).rejects.toThrow(
      /holds the splits test, train; name one, for example: --split train /,
    );
    expect((await read(join(folder, 'split'), { split: 'train' })).map(short)).toEqual([['How many?', [20], '3']]);
    await expect(read(join(folder, 'named'))).rejects.toThrow(
      /holds the splits test, validation; name one, for example: --split validation /,
    );
    expect(await answers(join(folder, 'named'), { split: 'dev' })).toEqual(['2']);
    expect([
      await answers(join(folder, 'column.csv')),
      await answers(join(folder, 'column.csv'), { split: 'validation' }),
    ]).toEqual([['1', '2'], ['2']]);
  });

  it('refuses a split that nothing tells, or another one than the name of the file', async () => {
    const folder = folderOf({
      'x.jsonl': row(1),
      'y-test.jsonl': row(2),
      'z.csv': 'question,image,split\nq,a.png,dev\n',
    });
    await expect(read(join(folder, 'x.jsonl'), { split: 'dev' })).rejects.toThrow(
      /x\.jsonl:1: the split dev is asked for, but neither .* tells the split/,
    );
    await expect(read(join(folder, 'y-test.jsonl'), { split: 'train' })).rejects.toThrow(
      /y-test\.jsonl: has no split train; it has test$/,
    );
    await expect(read(join(folder, 'z.csv'), { split: 'train' })).rejects.toThrow(
      /z\.csv: holds no questions of the split train$/,
    );
    expect(await answers(join(folder, 'y-test.jsonl'), { split: 'test' })).toEqual(['2']);
  });

  it('reads several files and patterns as one set, whose ids say the folder where names are the same', async () => {
    const folder = folderOf({
      'x.jsonl': row(1),
      'y.csv': 'question,image,answer\nb,a.png,2\n',
      'm/art/a.json': [JSON.parse(row(3))],
      'm/math/a.json': [JSON.parse(row(4))],
    });
    for (const name of ['art', 'math']) writeFileSync(join(folder, 'm', name, 'a.png'), ONE);
    expect(await answers([join(folder, 'x.jsonl'), join(folder, 'y.csv')])).toEqual(['1', '2']);
    const rows = await read(join(folder, 'm', '*', '*.json'));
    expect(rows.map(({ question }) => question.id.split('/')[0])).toEqual(['art-a', 'math-a']);
    expect(await answers(join(folder, '**', '*.json'))).toEqual(['3', '4']);
    await expect(read(join(folder, 'm'))).rejects.toThrow(
      /holds no file of data .* it has the folders art, math: name one, or a pattern such as 'm\/\*\/\*\.parquet'/,
    );
  });

  it('takes the address of a file for its path', async () => {
    const images = [{ image: `file://${join(folderOf({}), 'a.png')}` }];
    expect((await read(file('rows.json', [{ ...VERL, images }]))).map(short)).toEqual([ANSWERED]);
  });

  it('looks for pictures in the folder that is named', async () => {
    const folder = folderOf({ 'annotations/llava.json': [LLAVA] });
    const path = join(folder, 'annotations/llava.json');
    await expect(read(path)).rejects.toThrow(
      /llava\.json:1: image: .*a\.png does not exist; .*--set data\.pictureFolder=FOLDER$/,
    );
    expect((await read(path, { pictureFolder: folder })).map(short)).toEqual([ANSWERED]);
  });

  it('holds a question out with its picture, also where one is base64', async () => {
    const rows = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ problem: `q${i}`, image: i % 2 === 0 ? uri : 'b.png' }),
    );
    const { dataset } = await openPaths([file('rows.jsonl', rows.join('\n'))]);
    expect([dataset.pictures().length, (await splitByPicture(dataset, 0.5)).by]).toEqual([2, 'picture']);
  });
});

describe('what is refused', () => {
  const long = ONE.toString('base64').repeat(40);
  const plain = { problem: 'How many?', image: 'a.png', answer: 3 };
  it.each([
    [
      'two layouts in one file',
      'rows.jsonl',
      `${JSON.stringify(LLAVA)}\n${JSON.stringify(plain)}\n`,
      /rows\.jsonl:2: has plain columns, but .*rows\.jsonl:1 has `conversations`: rows of one file must have one layout$/,
    ],
    [
      'an unknown column of questions',
      'rows.jsonl',
      { prompt: 'How many?', image: uri },
      /rows\.jsonl:1: needs a column of questions: .*named by --set data\.columns\.question=prompt; it has `prompt`, `image`$/,
    ],
    [
      'an unknown column of pictures',
      'rows.csv',
      'question,photo\nHow many?,a.png\n',
      /rows\.csv:2: needs a column of pictures: .*--set data\.columns\.pictures=photo/,
    ],
    [
      'an address',
      'rows.json',
      [{ ...plain, image: 'https://example.org/a.png' }],
      /rows\.json:1: image: is an address \("https:\/\/example\.org\/a\.png"\): pictures are not fetched from the web.*download them/,
    ],
    [
      'CSV by another name',
      'rows.jsonl',
      'question,image,answer\nHow many?,a.png,3\n',
      /rows\.jsonl: looks like CSV or TSV: give it a name that ends in \.csv or \.tsv$/,
    ],
    [
      'a cell too many',
      'rows.csv',
      'question,image\nHow, many?,a.png\n',
      /rows\.csv:2: the row has 3 cells, the header has another number/,
    ],
    [
      'an open quote',
      'rows.csv',
      'question,image\n"How many?,a.png\n',
      /rows\.csv:2: a quoted cell that begins here has no end/,
    ],
    [
      'UTF-16',
      'rows.csv',
      Buffer.from('\uFEFFquestion,image\n', 'utf16le'),
      /rows\.csv: is text in UTF-16.*iconv -f UTF-16 -t UTF-8/,
    ],
    [
      'another encoding',
      'rows.csv',
      Buffer.from('question,image\nGr\u00f6\u00dfe?,a.png\n', 'latin1'),
      /rows\.csv:2: is not UTF-8 text: convert the file/,
    ],
    [
      'a column twice',
      'rows.tsv',
      'question\timage\timage\n',
      /rows\.tsv:1: the header names the column "image" twice$/,
    ],
    ['a JSON document cut short', 'rows.json', '[{"problem": "?"', /rows\.json:1: not whole JSON: .*cut short/],
    [
      'a JSON document without rows',
      'rows.json',
      '{\n"a": 1}',
      /rows\.json: holds neither a list of JSON objects nor an object of them/,
    ],
    ['an archive', 'rows.zip', 'PK', /rows\.zip: is an archive: unpack it/],
    [
      'a text too long for a path, without showing it',
      'rows.jsonl',
      { ...plain, image: '%'.repeat(9000) },
      /rows\.jsonl:1: image: expected the path of a picture.{0,160}$/,
    ],
    [
      'base64 that is no picture, without showing it',
      'rows.jsonl',
      { ...plain, problem: { long } },
      /rows\.jsonl:1: problem: expected a text.{0,160}$/,
    ],
  ])('%s', async (_, name, content, message) => {
    await expect(read(file(name, content))).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(message) as string,
    });
  });
});
