import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openPaths } from '../../src/data/open.ts';
import { KNOWN } from '../../src/data/columns.ts';
import { DATA_ENDINGS } from '../../src/data/formats/detect.ts';
import { LAYOUTS } from '../../src/data/layouts/table.ts';
import type { OpenOptions } from '../../src/data/rows.ts';
import { splitByPicture } from '../../src/data/split.ts';
import type { Question } from '../../src/protocol/messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const png = async (red: number): Promise<Buffer> =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer();
const [ONE, TWO] = [await png(10), await png(20)];

/** A folder with `a.png` and `b.png`, whose pictures are told by their red channel, and the files given. */
function folderOf(files: Readonly<Record<string, string | Buffer | object>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries({ 'a.png': ONE, 'b.png': TWO, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  }
  return folder;
}

interface Read {
  readonly text: string;
  readonly reds: readonly number[];
  readonly label: string | undefined;
  readonly question: Question;
  readonly others: readonly string[];
}

async function read(paths: string | readonly string[], options: OpenOptions = {}): Promise<Read[]> {
  const { dataset, labels } = await openPaths([paths].flat(), options);
  const rows: Read[] = [];
  for (let i = 0; i < dataset.size; i++) {
    const question = dataset.question(i);
    const reds: number[] = [];
    for (const ref of question.pictures) reds.push((await dataset.picture(ref)).data[0]!);
    rows.push({ text: question.text, reds, label: labels.label(question.id), question, others: labels.alternatives?.(question.id) ?? [] });
  }
  return rows;
}

const file = (name: string, content: string | Buffer | object): string => join(folderOf({ [name]: content }), name);
const short = ({ text, reds, label }: Read) => [text, reds, label];
const uri = `data:image/png;base64,${ONE.toString('base64')}`;

const LINES = ONE.toString('base64').replaceAll(/.{40}/g, '$&\n');

const LLAVA = {
  id: '1',
  image: 'a.png',
  conversations: [
    { from: 'human', value: '<image>\nHow many?' },
    { from: 'gpt', value: '3' },
    { from: 'human', value: 'Sure?' },
  ],
};
const PARTS = [
  { type: 'image_url', image_url: { url: uri } },
  { type: 'text', text: 'How many?' },
];
const VERL = {
  data_source: 'geo',
  prompt: [
    { role: 'system', content: 'Think.' },
    { role: 'user', content: '<image>How many?' },
  ],
  images: ['a.png'],
  reward_model: { style: 'rule', ground_truth: '3' },
  extra_info: { split: 'train', index: 0 },
};
const MMMU = {
  id: 'validation_Art_1',
  question: '<image 1> Which is like <image 2>?',
  options: `['<image 1>', "the artist's"]`,
  answer: 'B',
  image_1: 'a.png',
  image_2: 'b.png',
  image_3: null,
  question_type: 'multiple-choice',
};
const ANSWERED = ['How many?', [10], '3'];

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
    ['OpenAI, with an answer of its own', 'rows.json', { data: [{ messages: [{ role: 'user', content: PARTS }], answer: 3 }] }, ANSWERED],
    [
      'chat templates',
      'rows.jsonl',
      { messages: [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'How many?' }] }], image: 'a.png', answer: '3' },
      ANSWERED,
    ],
    ['verl', 'rows.json', [VERL], ANSWERED],
    ['a list under another key', 'rows.json', { info: { n: 1 }, questions: [{ question: 'How many?', image: 'a.png', answer: 3 }] }, ANSWERED],
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
    ['base64 for addresses', 'rows.jsonl', { problem: 'How many?', image: ONE.toString('base64url'), answer: 3 }, ANSWERED],
    ['base64 with escaped slashes', 'rows.jsonl', JSON.stringify({ problem: 'How many?', image: uri, answer: 3 }).replaceAll('/', '\\/'), ANSWERED],
    [
      'base64 with escaped pluses',
      'rows.jsonl',
      JSON.stringify({ problem: 'How many?', image: uri, answer: 3 }).replaceAll('+', '\\u002B'),
      ANSWERED,
    ],
    ['nulls in a list', 'rows.jsonl', { problem: 'How many?', images: [null, uri], answer: 3 }, ANSWERED],
    ['structs of bytes as base64', 'rows.jsonl', { problem: 'How many?', image: { bytes: ONE.toString('base64'), path: null }, answer: 3 }, ANSWERED],
    ['structs of a path', 'rows.jsonl', { problem: 'How many?', image: { bytes: null, path: 'a.png' }, answer: 3 }, ANSWERED],
    ['a byte-order mark', 'rows.jsonl', `\uFEFF${JSON.stringify({ problem: 'How many?', image: uri, answer: 3 })}\r\n`, ANSWERED],
    ['CSV with quotes', 'rows.csv', '\uFEFFquestion,image,answer\r\n"How\n""many"", say?",a.png,3\r\n', ['How\n"many", say?', [10], '3']],
    ['CSV with semicolons', 'rows.csv', 'question;image;answer\nHow many?;a.png;3\n', ANSWERED],
    ['CSV with base64', 'rows.csv', `question,image,answer\n"ü\n",b.png,4\n\nHow many?,"${uri}",3`, ANSWERED],
    ['a list as text', 'rows.csv', `question,images,answer\nHow many?,"['a.png', 'b.png']",3\n`, ['How many?', [10, 20], '3']],
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
  const text = (name: string) => ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }) as const;
  const bytes = { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' } as const;
  const struct = (name: string, fields: number) => ({ name, num_children: fields, repetition_type: 'OPTIONAL' }) as const;
  const list = (name: string, ...item: readonly SchemaElement[]): SchemaElement[] => [
    { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...item,
  ];
  const IMAGE = [struct('element', 2), bytes, text('path')];
  const write = async (rows: readonly object[], schema: readonly SchemaElement[], columns: readonly string[]): Promise<string> => {
    const path = join(folderOf({}), 'train.parquet');
    const written = { writer: fileWriter(path), rows: rows as Record<string, unknown>[], columns: columns.map((name) => ({ name })) };
    await parquetWriteRows({ ...written, schema: [{ name: 'root', num_children: columns.length }, ...schema] });
    return path;
  };

  it("reads verl's prompts, and pictures that are files", async () => {
    const prompt = list('prompt', struct('element', 2), text('role'), text('content'));
    const schema = [...prompt, ...list('images', ...IMAGE), struct('reward_model', 2), text('style'), text('ground_truth')];
    const images = [
      { bytes: null, path: 'b.png' },
      { bytes: ONE, path: null },
    ];
    const path = await write([{ prompt: VERL.prompt, images, reward_model: VERL.reward_model }], schema, ['prompt', 'images', 'reward_model']);
    expect((await read(path)).map(short)).toEqual([['How many?', [20, 10], '3']]);
  });

  it('reads paths, base64 and data URIs in texts, but takes a column of bytes before one of paths', async () => {
    const rows = ['a.png', TWO.toString('base64'), uri].map((image) => ({ question: 'How many?', image }));
    const path = await write(rows, [text('question'), text('image')], ['question', 'image']);
    expect((await read(path)).map(({ reds }) => reds)).toEqual([[10], [20], [10]]);
    const both = [text('question'), text('image'), { ...bytes, name: 'decoded_image' }];
    const decoded = await write([{ question: 'How many?', image: 'gone.png', decoded_image: TWO }], both, ['question', 'image', 'decoded_image']);
    expect((await read(decoded)).map(({ reds }) => reds)).toEqual([[20]]);
  });

  it('reads MMMU and chats with pictures in them', async () => {
    const names = ['question', 'options', 'answer', 'image_1', 'image_2'];
    const schema = [...names.slice(0, 3).map(text), struct('image_1', 2), bytes, text('path'), struct('image_2', 2), bytes, text('path')];
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
    const path = await write([{ messages: chat }], list('messages', struct('element', 2), text('role'), ...content), ['messages']);
    expect((await read(path)).map(short)).toEqual([['How many?', [10], undefined]]);
  });
});

describe('multiple choice', () => {
  const rows = (...list: readonly (readonly [readonly unknown[], unknown])[]): string =>
    file(
      'rows.json',
      list.map(([choices, answer], i) => ({ question: `q${i}`, images: null, choices, answer })),
    );
  const labels = async (path: string, options?: OpenOptions) => (await read(path, options)).map(({ label }) => label);
  const notes = async (path: string, options?: OpenOptions) => (await openPaths([path], options)).notes;

  it('takes numbers beside texts as positions counted from 0 (ScienceQA), and says so where they could be values', async () => {
    const science = rows([['yes', 'no', 'both'], 2], [['a', 'b'], 0]);
    expect([await labels(science), await notes(science)]).toEqual([['C', 'A'], []]);
    const unclear = rows([['1', '2', '3'], 2], [['0', '1'], 1]);
    expect(await labels(unclear)).toEqual(['C', 'B']);
    expect(await notes(unclear)).toEqual([
      expect.stringMatching(/answers are taken as positions .* both a position and the text .* --set data\.answerIs=value/),
    ]);
    expect([await labels(unclear, { answerIs: 'value' }), await notes(unclear, { answerIs: 'value' })]).toEqual([['B', 'B'], []]);
  });

  it('takes texts, and numbers beside numbers, as values where all can be', async () => {
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
      await labels(rows([list, 'AC'], [list, 'B. 4'], [list, '\uff22'], [list, '\uff08\uff23\uff09'], [list, 'D, A'], [list, ['A', 'B']])),
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

describe('files of a data set', () => {
  const row = (answer: number): string => `${JSON.stringify({ question: `q${answer}`, image: 'a.png', answer })}\n`;
  const answers = async (paths: string | readonly string[], options?: OpenOptions) => (await read(paths, options)).map(({ label }) => label);

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
    await expect(read(join(folder, 'split'))).rejects.toThrow(/holds the splits test, train; name one, for example: --split train /);
    expect((await read(join(folder, 'split'), { split: 'train' })).map(short)).toEqual([['How many?', [20], '3']]);
    await expect(read(join(folder, 'named'))).rejects.toThrow(/holds the splits test, validation; name one, for example: --split validation /);
    expect(await answers(join(folder, 'named'), { split: 'dev' })).toEqual(['2']);
    expect([await answers(join(folder, 'column.csv')), await answers(join(folder, 'column.csv'), { split: 'validation' })]).toEqual([
      ['1', '2'],
      ['2'],
    ]);
  });

  it('refuses a split that nothing tells, or another one than the name of the file', async () => {
    const folder = folderOf({ 'x.jsonl': row(1), 'y-test.jsonl': row(2), 'z.csv': 'question,image,split\nq,a.png,dev\n' });
    await expect(read(join(folder, 'x.jsonl'), { split: 'dev' })).rejects.toThrow(
      /x\.jsonl:1: the split dev is asked for, but neither .* tells the split/,
    );
    await expect(read(join(folder, 'y-test.jsonl'), { split: 'train' })).rejects.toThrow(/y-test\.jsonl: has no split train; it has test$/);
    await expect(read(join(folder, 'z.csv'), { split: 'train' })).rejects.toThrow(/z\.csv: holds no questions of the split train$/);
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
    await expect(read(path)).rejects.toThrow(/llava\.json:1: image: .*a\.png does not exist; .*--set data\.pictureFolder=FOLDER$/);
    expect((await read(path, { pictureFolder: folder })).map(short)).toEqual([ANSWERED]);
  });

  it('holds a question out with its picture, also where one is base64', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => JSON.stringify({ problem: `q${i}`, image: i % 2 === 0 ? uri : 'b.png' }));
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
    ['a cell too many', 'rows.csv', 'question,image\nHow, many?,a.png\n', /rows\.csv:2: the row has 3 cells, the header has another number/],
    ['an open quote', 'rows.csv', 'question,image\n"How many?,a.png\n', /rows\.csv:2: a quoted cell that begins here has no end/],
    ['UTF-16', 'rows.csv', Buffer.from('\uFEFFquestion,image\n', 'utf16le'), /rows\.csv: is text in UTF-16.*iconv -f UTF-16 -t UTF-8/],
    [
      'another encoding',
      'rows.csv',
      Buffer.from('question,image\nGr\u00f6\u00dfe?,a.png\n', 'latin1'),
      /rows\.csv:2: is not UTF-8 text: convert the file/,
    ],
    ['a column twice', 'rows.tsv', 'question\timage\timage\n', /rows\.tsv:1: the header names the column "image" twice$/],
    ['a JSON document cut short', 'rows.json', '[{"problem": "?"', /rows\.json:1: not whole JSON: .*cut short/],
    ['a JSON document without rows', 'rows.json', '{\n"a": 1}', /rows\.json: holds neither a list of JSON objects nor an object of them/],
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
    await expect(read(file(name, content))).rejects.toMatchObject({ name: 'InputError', message: expect.stringMatching(message) as string });
  });
});
