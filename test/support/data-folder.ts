/** Data folders in the layouts that users have, each with two pictures; and a reader that summarises their rows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { openPaths } from '../../src/data/open.ts';
import type { OpenOptions } from '../../src/data/rows.ts';
import type { Question } from '../../src/protocol/messages.ts';
import { temporaryFolder } from './temporary.ts';

const png = async (red: number): Promise<Buffer> =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer();
export const [ONE, TWO] = [await png(10), await png(20)];

/** Makes a folder with the files given and `a.png` and `b.png`, which differ in their red channel. */
export function folderOf(files: Readonly<Record<string, string | Buffer | object>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries({ 'a.png': ONE, 'b.png': TWO, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(
      join(folder, name),
      typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content),
    );
  }
  return folder;
}

export interface Read {
  readonly text: string;
  readonly reds: readonly number[];
  readonly label: string | undefined;
  readonly question: Question;
  readonly others: readonly string[];
}

export async function read(paths: string | readonly string[], options: OpenOptions = {}): Promise<Read[]> {
  const { dataset, labels } = await openPaths([paths].flat(), options);
  const rows: Read[] = [];
  for (let i = 0; i < dataset.size; i++) {
    const question = dataset.question(i);
    const reds: number[] = [];
    for (const ref of question.pictures) reds.push((await dataset.picture(ref)).data[0]!);
    rows.push({
      text: question.text,
      reds,
      label: labels.label(question.id),
      question,
      others: labels.alternatives?.(question.id) ?? [],
    });
  }
  return rows;
}

export const file = (name: string, content: string | Buffer | object): string =>
  join(folderOf({ [name]: content }), name);
export const short = ({ text, reds, label }: Read) => [text, reds, label];
export const uri = `data:image/png;base64,${ONE.toString('base64')}`;

export const LLAVA = {
  id: '1',
  image: 'a.png',
  conversations: [
    { from: 'human', value: '<image>\nHow many?' },
    { from: 'gpt', value: '3' },
    { from: 'human', value: 'Sure?' },
  ],
};
export const PARTS = [
  { type: 'image_url', image_url: { url: uri } },
  { type: 'text', text: 'How many?' },
];
export const VERL = {
  data_source: 'geo',
  prompt: [
    { role: 'system', content: 'Think.' },
    { role: 'user', content: '<image>How many?' },
  ],
  images: ['a.png'],
  reward_model: { style: 'rule', ground_truth: '3' },
  extra_info: { split: 'train', index: 0 },
};
export const MMMU = {
  id: 'validation_Art_1',
  question: '<image 1> Which is like <image 2>?',
  options: `['<image 1>', "the artist's"]`,
  answer: 'B',
  image_1: 'a.png',
  image_2: 'b.png',
  image_3: null,
  question_type: 'multiple-choice',
};
export const ANSWERED = ['How many?', [10], '3'];
