/**
 * The sets of MM-UPT in the columns and types in which the hub has them (their dataset cards), written and read back.
 */
import { join } from 'node:path';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openPaths } from '../../src/data/open.ts';
import type { OpenOptions } from '../../src/data/rows.ts';
import { temporaryFolder } from '../support/temporary.ts';

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'OPTIONAL',
});
const int64 = (name: string): SchemaElement => ({ name, type: 'INT64', repetition_type: 'OPTIONAL' });
const float64 = (name: string): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' });
const struct = (name: string, fields: readonly SchemaElement[]): SchemaElement[] => [
  { name, num_children: fields.length, repetition_type: 'OPTIONAL' },
  ...fields,
];
const list = (name: string, item: readonly SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...item,
];
const image = (name: string): SchemaElement[] =>
  struct(name, [{ name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }, text('path')]);
const images = list('images', image('element'));
const texts = (name: string): SchemaElement[] => list(name, [text('element')]);

/** A picture of `width` x 20 pixels: its width tells which one it is. */
async function picture(width: number): Promise<{ bytes: Uint8Array; path: string }> {
  const background = { r: 250, g: 250, b: 250 };
  const bytes = await sharp({ create: { width, height: 20, channels: 3, background } })
    .png()
    .toBuffer();
  return { bytes: new Uint8Array(bytes), path: `${width}.png` };
}

async function write(name: string, columns: readonly (readonly SchemaElement[])[], rows: object[]): Promise<string> {
  const file = join(temporaryFolder(), name);
  await parquetWriteRows({
    writer: fileWriter(file),
    rows: rows as Record<string, unknown>[],
    columns: columns.map(([top]) => ({ name: top!.name })),
    schema: [{ name: 'root', num_children: columns.length }, ...columns.flat()],
    rowGroupSize: 2,
  });
  return file;
}

interface Read {
  readonly text: string;
  readonly label: string | undefined;
  readonly widths: readonly number[];
  readonly kind: string | undefined;
  readonly decimals: number | undefined;
}

async function read(file: string, options?: OpenOptions): Promise<Read[]> {
  const { dataset, labels } = await openPaths([file], options);
  return Promise.all(
    Array.from({ length: dataset.size }, async (_, i) => {
      const { id, text: asked, pictures, kind } = dataset.question(i);
      const widths = await Promise.all(pictures.map(async (ref) => (await dataset.picture(ref)).width));
      return { text: asked, label: labels.label(id), widths, kind, decimals: labels.decimals?.(id) };
    }),
  );
}

const short = (rows: readonly Read[]) => rows.map(({ text: asked, label, widths }) => [asked, label, widths]);

describe('the sets of MM-UPT as they are published', () => {
  it('MMR1-Math-RL-Data-v0, and Geometry3K and GeoQA for EasyR1: images, problem, answer', async () => {
    const rows = [
      { images: [await picture(30)], problem: '<image>Find x.', answer: String.raw`2\sqrt{3}` },
      { images: [await picture(31), await picture(32)], problem: '<image><image>\nWhich is larger?', answer: '7.5' },
      { images: [await picture(33)], problem: 'As shown in the figure, <image> find the angle.', answer: '145°' },
    ];
    const file = await write('train-00000-of-00001.parquet', [images, [text('problem')], [text('answer')]], rows);
    expect(short(await read(file))).toEqual([
      ['Find x.', String.raw`2\sqrt{3}`, [30]],
      ['Which is larger?', '7.5', [31, 32]],
      ['As shown in the figure, find the angle.', '145°', [33]],
    ]);
  });

  it('hiyouga/geometry3k with choices: asked with them, or as EasyR1 does without', async () => {
    const columns = [
      images,
      [text('problem')],
      [text('answer')],
      [int64('id')],
      texts('choices'),
      [text('ground_truth')],
    ];
    const choices = ['3.0', '4.0', '5.0', '6.0'];
    const rows = [
      { images: [await picture(30)], problem: '<image>Find x.', answer: '5.0', id: 2401n, choices, ground_truth: 'C' },
      { images: [await picture(31)], problem: '<image>Find y.', answer: '3.0', id: 2402n, choices, ground_truth: 'A' },
      { images: [await picture(32)], problem: '<image>Find z.', answer: '6.0', id: 2403n, choices, ground_truth: 'D' },
    ];
    const file = await write('test-00000-of-00001.parquet', columns, rows);
    const offered = '\nChoices:\nA. 3.0\nB. 4.0\nC. 5.0\nD. 6.0';
    expect(short(await read(file))).toEqual([
      [`Find x.${offered}`, 'C', [30]],
      [`Find y.${offered}`, 'A', [31]],
      [`Find z.${offered}`, 'D', [32]],
    ]);
    expect(short(await read(file, { columns: { choices: null } }))).toEqual([
      ['Find x.', '5.0', [30]],
      ['Find y.', '3.0', [31]],
      ['Find z.', '6.0', [32]],
    ]);
  });

  it('GEOQA_R1V_Train_8K: one picture, the answer in a tag', async () => {
    const rows = [
      { image: await picture(30), problem: 'Find the angle.', solution: '<answer> 145° </answer>' },
      { image: await picture(31), problem: 'Find the side.', solution: '<answer> 5√2 </answer>' },
      { image: await picture(32), problem: 'Find the area.', solution: '<answer> 12cm² </answer>' },
    ];
    const file = await write('train.parquet', [image('image'), [text('problem')], [text('solution')]], rows);
    expect(short(await read(file))).toEqual([
      ['Find the angle.', '145°', [30]],
      ['Find the side.', '5√2', [31]],
      ['Find the area.', '12cm²', [32]],
    ]);
  });

  it('MathVista testmini: free answers with a precision, choices, lists of answers', async () => {
    const metadata = struct('metadata', [
      ...['category', 'context', 'grade'].map(text),
      int64('img_height'),
      int64('img_width'),
      text('language'),
    ]);
    metadata[0]!.num_children = 10;
    metadata.push(...texts('skills'), ...['source', 'split', 'task'].map(text));
    const columns = [
      ...['pid', 'question', 'image'].map((name) => [text(name)]),
      image('decoded_image'),
      texts('choices'),
      [text('unit')],
      [float64('precision')],
      ...['answer', 'question_type', 'answer_type'].map((name) => [text(name)]),
      metadata,
      [text('query')],
    ];
    const row = async (pid: string, task: string, own: object): Promise<object> => ({
      pid,
      image: `images/${pid}.jpg`,
      decoded_image: await picture(29 + Number(pid)),
      choices: null,
      unit: null,
      precision: null,
      metadata: {
        category: 'math-targeted-vqa',
        context: 'scientific figure',
        grade: 'college',
        img_height: 720n,
        img_width: 1514n,
        language: 'english',
        skills: ['scientific reasoning'],
        source: 'SciBench',
        split: 'testmini',
        task,
      },
      query: 'Hint: Please answer the question ...',
      ...own,
    });
    const rows = [
      await row('1', 'textbook question answering', {
        question: 'What is the speed of the block?',
        unit: '$m/s$',
        precision: 1,
        answer: '1.2',
        question_type: 'free_form',
        answer_type: 'float',
      }),
      await row('2', 'geometry problem solving', {
        question: 'Find m∠H',
        choices: ['97', '102', '107', '122'],
        answer: '97',
        question_type: 'multi_choice',
        answer_type: 'text',
      }),
      await row('3', 'figure question answering', {
        question: 'Is Sky Blue the minimum?',
        choices: ['yes', 'no'],
        answer: 'yes',
        question_type: 'multi_choice',
        answer_type: 'text',
      }),
      await row('4', 'math word problem', {
        question: 'What are the ends of the interval?',
        precision: 1,
        answer: '[0.5, 1.5]',
        question_type: 'free_form',
        answer_type: 'list',
      }),
    ];
    const found = await read(await write('testmini-00000-of-00001.parquet', columns, rows), { split: 'testmini' });
    expect(found.map(({ label, widths, kind, decimals }) => [label, widths, kind, decimals])).toEqual([
      ['1.2', [30], 'textbook question answering', 1],
      ['A', [31], 'geometry problem solving', undefined],
      ['A', [32], 'figure question answering', undefined],
      ['[0.5, 1.5]', [33], 'math word problem', 1],
    ]);
    expect(found[1]!.text).toBe('Find m∠H\nChoices:\nA. 97\nB. 102\nC. 107\nD. 122');
  });

  it('We-Math testmini: choices in one text, letters as answers, a column that tells the split', async () => {
    const names = ['ID', 'split', 'knowledge concept', 'question', 'option', 'answer'] as const;
    const columns = [
      ...names.map((name) => [text(name)]),
      image('image_path'),
      [text('key')],
      [int64('question number')],
      [text('knowledge concept description')],
    ];
    const row = async (id: string, width: number, own: object): Promise<object> => ({
      ID: id,
      split: 'testmini',
      'knowledge concept': 'Area of Circles',
      image_path: await picture(width),
      key: 'one_steps',
      'question number': 1n,
      'knowledge concept description': 'Area of Circles: S = πr²',
      ...own,
    });
    const rows = [
      await row('1steps_1', 30, {
        question: 'The area?',
        option: 'A. 3.14; B. 6.28; C. No correct answer',
        answer: 'B',
      }),
      await row('2steps_1', 31, { question: 'The side?', option: 'A. 4 cm; B. 5 cm; C. 6 cm; D. 7 cm', answer: 'D' }),
      await row('2steps_multi', 32, {
        question: 'The sum?',
        option: 'A. 1; B. 2; C. 3; D. 4; E. No correct answer',
        answer: 'E',
      }),
    ];
    const file = await write('we-math.parquet', columns, rows);
    const found = await read(file, { split: 'testmini' });
    expect(found.map(({ label, widths, kind }) => [label, widths, kind])).toEqual([
      ['B', [30], 'Area of Circles'],
      ['D', [31], 'Area of Circles'],
      ['E', [32], 'Area of Circles'],
    ]);
    expect(found[1]!.text).toBe('The side?\nChoices:\nA. 4 cm\nB. 5 cm\nC. 6 cm\nD. 7 cm');
    await expect(read(file, { split: 'train' })).rejects.toThrow('holds no questions of the split train');
  });
});
