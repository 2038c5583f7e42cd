import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { listFiles } from '../../src/data/files.ts';
import { openPaths } from '../../src/data/open.ts';
import { splitByPicture } from '../../src/data/split.ts';
import type { PictureRef, Question } from '../../src/protocol/messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/parquet/${name}`, import.meta.url));
const questions = (dataset: Dataset): Question[] => Array.from({ length: dataset.size }, (_, i) => dataset.question(i));

/** The red channel identifies the fixtures' pictures. */
async function number(dataset: Dataset, ref: PictureRef): Promise<number> {
  const { width, height, channels, data } = await dataset.picture(ref);
  expect([width, height, channels]).toEqual([6, 4, 3]);
  return data[0]! / 10;
}

/**
 * Blocks of literals, each after its length unpacked and its length packed: what Hadoop's codec writes, without
 * compression.
 */
function hadoopLz4(bytes: Uint8Array): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) =>
    bytes.subarray(100 * i, 100 * (i + 1)),
  );
  return Buffer.concat(
    blocks.map((block) => {
      const head = Buffer.from(block.length < 15 ? [block.length << 4] : [0xf0, block.length - 15]);
      const frame = Buffer.alloc(8);
      frame.writeUInt32BE(block.length, 0);
      frame.writeUInt32BE(head.length + block.length, 4);
      return Buffer.concat([frame, head, block]);
    }),
  );
}

const solid = (i: number): Promise<Buffer> =>
  sharp({ create: { width: 6, height: 4, channels: 3, background: { r: 10 * i, g: 100, b: 200 } } })
    .png()
    .toBuffer();

describe('openPaths, of Parquet', () => {
  it('reads Geometry3K: several shards and codecs, lists of pictures, placeholders, a row without a picture or an answer', async () => {
    const { dataset, labels } = await openPaths([fixture('geometry3k-*.parquet')]);
    const all = questions(dataset);
    expect(all.map(({ text }) => text)).toEqual([
      'Find x.',
      'Compare ü.',
      'No picture.',
      'Find $y$.',
      'Find z.',
      'Find u.',
      'Find v.',
    ]);
    expect(all.map(({ id }) => labels.label(id))).toEqual([
      '3',
      String.raw`2\sqrt{3}`,
      '7',
      '0.5',
      undefined,
      '1',
      '2',
    ]);
    for (const { id } of all) expect(id).toMatch(/^geometry3k\/[0-9a-f]{16}$/);
    const pictures = await Promise.all(
      all.map(({ pictures: refs }) => Promise.all(refs.map((ref) => number(dataset, ref)))),
    );
    expect(pictures).toEqual([[0], [1, 2], [], [3], [0], [4], [5]]);
  });

  it('knows a picture by its content', async () => {
    const { dataset } = await openPaths([fixture('geometry3k-00000-of-00002.parquet')]);
    expect(await Promise.all(dataset.pictures().map((ref) => number(dataset, ref)))).toEqual([0, 1, 2, 3]);
    for (let seed = 0; seed < 8; seed++) {
      const { train, heldout } = await splitByPicture(dataset, 0.5, seed);
      const sides = [train, heldout].map((side) => questions(side).map(({ text }) => text));
      expect(sides.some((texts) => texts.includes('Find x.') && texts.includes('Find z.'))).toBe(true);
    }
  });

  it("reads GeoQA's tagged answers", async () => {
    const { dataset, labels } = await openPaths([fixture('geoqa.parquet')]);
    expect(questions(dataset).map(({ id }) => labels.label(id))).toEqual(['145°', '5']);
  });

  it('reads MathVista: the decoded picture, choices, and a letter where the answer is the text of a choice', async () => {
    const { dataset, labels } = await openPaths([fixture('mathvista.parquet')]);
    const [free, choice, letters] = questions(dataset);
    expect(await number(dataset, free!.pictures[0]!)).toBe(1);
    expect([free!.text, labels.label(free!.id), free!.kind]).toEqual(['How many?', '1.2', 'figure qa']);
    expect(choice!.text).toBe('Which is larger?\nChoices:\nA. the disc\nB. the square');
    expect([labels.label(choice!.id), labels.alternatives?.(choice!.id)]).toEqual([
      'B',
      ['the square', 'B. the square'],
    ]);
    expect([labels.label(letters!.id), labels.alternatives?.(letters!.id)]).toEqual(['C', ['C. B']]);
  });

  it('reads We-Math: choices in one text, letters as answers even where a choice is a letter', async () => {
    const { dataset, labels } = await openPaths([fixture('we-math.parquet')]);
    const [area, angle] = questions(dataset);
    expect(area!.text).toBe('Area?\nChoices:\nA. 3.14\nB. 6.28 m²\nC. No correct answer');
    expect([area!.kind, labels.label(area!.id)]).toEqual(['Area of Circles', 'B']);
    expect([labels.label(angle!.id), labels.alternatives?.(angle!.id)]).toEqual(['A', ['A. B']]);
  });

  it("reads LZ4, as pyarrow writes it and in Hadoop's frames, also where a column has only nulls", async () => {
    const hadoop = join(temporaryFolder(), 'hadoop.parquet');
    parquetWriteFile({
      filename: hadoop,
      codec: 'LZ4',
      compressors: { LZ4: hadoopLz4 },
      columnData: [
        { name: 'image', data: [await solid(1), await solid(2)], type: 'BYTE_ARRAY' },
        { name: 'problem', data: ['Find x. '.repeat(9), 'Find y.'], type: 'STRING' },
        { name: 'answer', data: [null, null], type: 'STRING', nullable: true },
      ],
    });
    for (const file of [fixture('lz4.parquet'), hadoop]) {
      const { dataset } = await openPaths([file]);
      expect(questions(dataset).map(({ text }) => text)).toEqual(['Find x. '.repeat(9).trim(), 'Find y.']);
      expect(await Promise.all(dataset.pictures().map((ref) => number(dataset, ref)))).toEqual([1, 2]);
    }
  });

  it('says which codec it cannot read, not that the file is damaged', async () => {
    const filename = join(temporaryFolder(), 'lzo.parquet');
    const columnData = [
      { name: 'image', data: [await solid(1)], type: 'BYTE_ARRAY' as const },
      { name: 'problem', data: ['Find x.'], type: 'STRING' as const },
    ];
    parquetWriteFile({ filename, codec: 'LZO', compressors: { LZO: (bytes) => bytes }, columnData });
    await expect(openPaths([filename])).rejects.toThrow(
      /lzo\.parquet: .*: compressed with LZO, which cannot be read; write the file with compression='zstd'$/,
    );
  });

  it('takes the chosen columns', async () => {
    const columns = { question: 'pid', kind: 'metadata.img_height', answer: 'question', choices: 'metadata.task' };
    await expect(openPaths([fixture('mathvista.parquet')], { columns })).rejects.toThrow(
      /row 0: metadata.task: "figure qa" is no list/,
    );
    const { dataset, labels } = await openPaths([fixture('mathvista.parquet')], {
      columns: { ...columns, choices: 'choices', answer: 'answer' },
    });
    expect(questions(dataset).map(({ kind }) => kind)).toEqual(['4', '4', '4']);
    expect(labels.label(dataset.question(1).id)).toBe('B');
    await expect(openPaths([fixture('mathvista.parquet')], { columns: { kind: 'grade' } })).rejects.toThrow(
      /mathvista\.parquet: has no column "grade", named for kind \(data\.columns\.kind\); it has `pid`, .*`metadata.task`/,
    );
  });

  it('lists the pictures of a set without questions, when that is wanted', async () => {
    const { dataset } = await openPaths([fixture('pictures.parquet')], { picturesAlone: true });
    expect(dataset.size).toBe(0);
    expect(await Promise.all(dataset.pictures().map((ref) => number(dataset, ref)))).toEqual([1, 2]);
    await expect(openPaths([fixture('pictures.parquet')])).rejects.toThrow(
      /needs a column of questions: `problem`, `question`/,
    );
  });

  it('names file, row and column of what cannot be used', async () => {
    await expect(openPaths([fixture('no-questions.parquet')])).rejects.toThrow(
      /no-questions\.parquet: needs a column of questions.*it has `image`, .*`caption`/,
    );
    await expect(openPaths([fixture('outside.parquet')])).rejects.toThrow(
      /outside\.parquet: row 0: image: .*a\.png does not exist; paths are relative to/,
    );
    const { dataset } = await openPaths([fixture('not-a-picture.parquet')]);
    await expect(dataset.picture(dataset.pictures()[0]!)).rejects.toThrow(
      /not-a-picture\.parquet: row 0: image\[0\]: not a picture/,
    );
  });

  it('reports a picture whose content has changed', async () => {
    const path = join(temporaryFolder(), 'a.parquet');
    await copyFile(fixture('geoqa.parquet'), path);
    const { dataset } = await openPaths([path]);
    const [ref] = dataset.pictures();
    await expect(dataset.picture({ ...ref!, digest: '0'.repeat(32) } as PictureRef)).rejects.toThrow(
      /row 0: image: picture 0 is another one now/,
    );
  });

  it('never crashes or takes a damaged file for a whole one', async () => {
    const whole = await readFile(fixture('mathvista.parquet'));
    const path = join(temporaryFolder(), 'damaged.parquet');
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        await writeFile(path, whole.subarray(0, length));
        await expect(openPaths([path])).rejects.toMatchObject({
          name: 'InputError',
          message: expect.stringContaining('damaged.parquet') as string,
        });
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['nothing', '', /not a Parquet file/],
    ['another format', '{"problem": "What?", "images": []}', /not a Parquet file: it starts with "{\\"pr/],
    ['an encrypted file', 'PARE............', /encrypted/],
    ['a file cut short', `PAR1${'x'.repeat(100)}`, /not a whole Parquet file/],
  ])('refuses %s', async (_, content, message) => {
    const path = join(temporaryFolder(), 'bad.parquet');
    await writeFile(path, content);
    await expect(openPaths([path])).rejects.toThrow(message);
  });
});

describe('listFiles', () => {
  it('takes the shards of a folder or of its data folder, in order, and refuses to mix splits', async () => {
    const folder = temporaryFolder();
    await expect(listFiles(folder)).rejects.toThrow(/holds no file of data/);
    await mkdir(join(folder, 'data'));
    for (const shard of ['train-00001-of-00002', 'train-00000-of-00002-abc'])
      await writeFile(join(folder, 'data', `${shard}.parquet`), '');
    const shards = [
      join(folder, 'data', 'train-00000-of-00002-abc.parquet'),
      join(folder, 'data', 'train-00001-of-00002.parquet'),
    ];
    expect(await listFiles(folder)).toEqual(shards);
    await writeFile(join(folder, 'data', 'test-00000-of-00001.parquet'), '');
    await expect(listFiles(folder)).rejects.toThrow(
      /holds the splits test, train; name one, for example: --split train \(--set data\.split=train, or data\.heldOutSplit\)$/,
    );
    await expect(listFiles(join(folder, 'data', '*'))).rejects.toThrow(/holds the splits test, train/);
    expect([
      await listFiles(folder, 'train'),
      (await listFiles(join(folder, 'data', '*.parquet'), 'test')).length,
    ]).toEqual([shards, 1]);
    await expect(listFiles(folder, 'dev')).rejects.toThrow(/has no split dev; it has test, train$/);
    expect(await listFiles(join(folder, 'data', 'train-*.parquet'))).toEqual(shards);
    await expect(listFiles(join(folder, 'none-*'))).rejects.toThrow(/no file has such a name/);
  });
});
