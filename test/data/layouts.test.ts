import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { KNOWN } from '../../src/data/columns.ts';
import { DATA_ENDINGS } from '../../src/data/formats/detect.ts';
import { LAYOUTS } from '../../src/data/layouts/table.ts';
import {
  ANSWERED,
  file,
  folderOf,
  LLAVA,
  MMMU,
  ONE,
  PARTS,
  read,
  short,
  TWO,
  uri,
  VERL,
} from '../support/data-folder.ts';

const LINES = ONE.toString('base64').replaceAll(/.{40}/g, '$&\n');

describe('docs/data.md', () => {
  const page = readFileSync('docs/data.md', 'utf8');
  const names = (list: readonly string[]): string => list.map((name) => `\`${name}\``).join(', ');

  it('has the layouts, the columns of each role and the ends of names that are read', () => {
    for (const { name, reads } of LAYOUTS) expect(page).toContain(`| ${name} | ${reads} |`);
    for (const [role, columns] of Object.entries(KNOWN)) expect(page).toContain(`| ${role} | ${names(columns)} |`);
    for (const ending of DATA_ENDINGS.flat()) expect(page).toContain(`\`${ending}\``);
  });
});

describe('layouts', () => {
  it.each([
    ['LLaVA', 'llava.json', [LLAVA], ANSWERED],
    ['ShareGPT4V, one a line', 'rows.jsonl', { ...LLAVA, model: 'human' }, ANSWERED],
    [
      'OpenAI, content as a text',
      'rows.jsonl',
      {
        messages: [
          { role: 'user', content: 'How many?' },
          { role: 'assistant', content: 'It is \\boxed{3}.' },
        ],
        images: ['a.png'],
      },
      ANSWERED,
    ],
    [
      'OpenAI, content as parts',
      'rows.jsonl',
      {
        messages: [
          { role: 'user', content: PARTS },
          { role: 'assistant', content: '3' },
        ],
      },
      ANSWERED,
    ],
    [
      'OpenAI, with an answer of its own',
      'rows.json',
      { data: [{ messages: [{ role: 'user', content: PARTS }], answer: 3 }] },
      ANSWERED,
    ],
    [
      'chat templates',
      'rows.jsonl',
      {
        messages: [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'How many?' }] }],
        image: 'a.png',
        answer: '3',
      },
      ANSWERED,
    ],
    ['verl', 'rows.json', [VERL], ANSWERED],
    [
      'a list under another key',
      'rows.json',
      { info: { n: 1 }, questions: [{ question: 'How many?', image: 'a.png', answer: 3 }] },
      ANSWERED,
    ],
    ['rows by their ids', 'rows.json', { 1: { question: 'How many?', image: 'a.png', answer: 3 } }, ANSWERED],
    ['LLaVA, an id twice', 'rows.json', [LLAVA, { ...LLAVA, image: 'b.png' }, LLAVA], ANSWERED],
    [
      'choices as NumPy writes them',
      'rows.csv',
      `question,image,choices,answer\nq,a.png,"['a' 'b,c'\n ""d's""]",b,c\n`.replace(',b,c', ',"b,c"'),
      ["q\nChoices:\nA. a\nB. b,c\nC. d's", [10], 'B'],
    ],
    [
      'choices with their labels',
      'rows.jsonl',
      { question: 'q', image: null, choices: { label: ['A', 'B'], text: ['3', '4'] }, answer: 'B' },
      ['q\nChoices:\nA. 3\nB. 4', [], 'B'],
    ],
    ['null for no pictures', 'rows.jsonl', { problem: 'How many?', images: null, answer: 3 }, ['How many?', [], '3']],
    ['one path for a list', 'rows.jsonl', { problem: 'How many?', images: 'a.png', answer: 3 }, ANSWERED],
    ['base64', 'rows.jsonl', { problem: 'How many?', images: [ONE.toString('base64')], answer: 3 }, ANSWERED],
    ['a data URI', 'rows.json', [{ problem: 'How many?', image: uri, answer: 3 }], ANSWERED],
    ['base64 in lines, as MIME has it', 'rows.jsonl', { problem: 'How many?', image: LINES, answer: 3 }, ANSWERED],
    [
      'base64 in lines, in a list over several lines',
      'rows.json',
      JSON.stringify([{ problem: 'How many?', image: LINES, answer: 3 }], null, 2),
      ANSWERED,
    ],
    [
      'base64 for addresses',
      'rows.jsonl',
      { problem: 'How many?', image: ONE.toString('base64url'), answer: 3 },
      ANSWERED,
    ],
    [
      'base64 with escaped slashes',
      'rows.jsonl',
      JSON.stringify({ problem: 'How many?', image: uri, answer: 3 }).replaceAll('/', '\\/'),
      ANSWERED,
    ],
    [
      'base64 with escaped pluses',
      'rows.jsonl',
      JSON.stringify({ problem: 'How many?', image: uri, answer: 3 }).replaceAll('+', '\\u002B'),
      ANSWERED,
    ],
    ['nulls in a list', 'rows.jsonl', { problem: 'How many?', images: [null, uri], answer: 3 }, ANSWERED],
    [
      'structs of bytes as base64',
      'rows.jsonl',
      { problem: 'How many?', image: { bytes: ONE.toString('base64'), path: null }, answer: 3 },
      ANSWERED,
    ],
    [
      'structs of a path',
      'rows.jsonl',
      { problem: 'How many?', image: { bytes: null, path: 'a.png' }, answer: 3 },
      ANSWERED,
    ],
    [
      'a byte-order mark',
      'rows.jsonl',
      `\uFEFF${JSON.stringify({ problem: 'How many?', image: uri, answer: 3 })}\r\n`,
      ANSWERED,
    ],
    [
      'CSV with quotes',
      'rows.csv',
      '\uFEFFquestion,image,answer\r\n"How\n""many"", say?",a.png,3\r\n',
      ['How\n"many", say?', [10], '3'],
    ],
    ['CSV with semicolons', 'rows.csv', 'question;image;answer\nHow many?;a.png;3\n', ANSWERED],
    ['CSV with base64', 'rows.csv', `question,image,answer\n"ü\n",b.png,4\n\nHow many?,"${uri}",3`, ANSWERED],
    [
      'a list as text',
      'rows.csv',
      `question,images,answer\nHow many?,"['a.png', 'b.png']",3\n`,
      ['How many?', [10, 20], '3'],
    ],
    ['MMMU', 'rows.jsonl', MMMU, ["Which is like image 2?\nChoices:\nA. image 1\nB. the artist's", [10, 20], 'B']],
    [
      'VLMEvalKit, a picture by the index of a row',
      'rows.tsv',
      `index\timage\tquestion\tchoice_a\tchoice_b\tanswer\n7\t${ONE.toString('base64')}\tq\t1\t2\tA\n8\t7\tWhich?\t3\t4\tB\n`,
      ['Which?\nChoices:\nA. 3\nB. 4', [10], 'B'],
    ],
    [
      'VLMEvalKit',
      'rows.tsv',
      `index\timage\tquestion\tA\tB\tC\tanswer\n0\t${ONE.toString('base64')}\tHow "many"?\t3\t4\t\tB\n`,
      ['How "many"?\nChoices:\nA. 3\nB. 4', [10], 'B'],
    ],
  ])('reads %s', async (_, name, content, expected) => {
    const rows = await read(file(name, content));
    expect(short(rows.at(-1)!)).toEqual(expected);
  });
});

describe('Parquet', () => {
  const text = (name: string) =>
    ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }) as const;
  const bytes = { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' } as const;
  const struct = (name: string, fields: number) =>
    ({ name, num_children: fields, repetition_type: 'OPTIONAL' }) as const;
  const list = (name: string, ...item: readonly SchemaElement[]): SchemaElement[] => [
    { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...item,
  ];
  const IMAGE = [struct('element', 2), bytes, text('path')];
  const write = async (
    rows: readonly object[],
    schema: readonly SchemaElement[],
    columns: readonly string[],
  ): Promise<string> => {
    const path = join(folderOf({}), 'train.parquet');
    const written = {
      writer: fileWriter(path),
      rows: rows as Record<string, unknown>[],
      columns: columns.map((name) => ({ name })),
    };
    await parquetWriteRows({ ...written, schema: [{ name: 'root', num_children: columns.length }, ...schema] });
    return path;
  };

  it("reads verl's prompts, and pictures that are files", async () => {
    const prompt = list('prompt', struct('element', 2), text('role'), text('content'));
    const schema = [
      ...prompt,
      ...list('images', ...IMAGE),
      struct('reward_model', 2),
      text('style'),
      text('ground_truth'),
    ];
    const images = [
      { bytes: null, path: 'b.png' },
      { bytes: ONE, path: null },
    ];
    const path = await write([{ prompt: VERL.prompt, images, reward_model: VERL.reward_model }], schema, [
      'prompt',
      'images',
      'reward_model',
    ]);
    expect((await read(path)).map(short)).toEqual([['How many?', [20, 10], '3']]);
  });

  it('reads paths, base64 and data URIs in texts, but takes a column of bytes before one of paths', async () => {
    const rows = ['a.png', TWO.toString('base64'), uri].map((image) => ({ question: 'How many?', image }));
    const path = await write(rows, [text('question'), text('image')], ['question', 'image']);
    expect((await read(path)).map(({ reds }) => reds)).toEqual([[10], [20], [10]]);
    const both = [text('question'), text('image'), { ...bytes, name: 'decoded_image' }];
    const decoded = await write([{ question: 'How many?', image: 'gone.png', decoded_image: TWO }], both, [
      'question',
      'image',
      'decoded_image',
    ]);
    expect((await read(decoded)).map(({ reds }) => reds)).toEqual([[20]]);
  });

  it('reads MMMU and chats with pictures in them', async () => {
    const names = ['question', 'options', 'answer', 'image_1', 'image_2'];
    const schema = [
      ...names.slice(0, 3).map(text),
      struct('image_1', 2),
      bytes,
      text('path'),
      struct('image_2', 2),
      bytes,
      text('path'),
    ];
    const open = {
      question: 'Solve <image 2>.',
      options: '[]',
      answer: "['1/2', '0.5']",
      image_1: { bytes: ONE, path: '1' },
      image_2: { bytes: TWO, path: '2' },
    };
    const [row] = await read(await write([open], schema, names));
    expect([short(row!), row!.others]).toEqual([['Solve image 2.', [10, 20], '1/2'], ['0.5']]);
    const part = [struct('element', 3), text('type'), text('text'), text('image')];
    const content = list('content', ...part);
    const chat = [
      {
        role: 'user',
        content: [
          { type: 'image', text: null, image: uri },
          { type: 'text', text: 'How many?', image: null },
        ],
      },
    ];
    const path = await write([{ messages: chat }], list('messages', struct('element', 2), text('role'), ...content), [
      'messages',
    ]);
    expect((await read(path)).map(short)).toEqual([['How many?', [10], undefined]]);
  });
});
