/**
 * JSONL with image files, as the Hugging Face hub lays data sets out: one object a line with `problem`, `images` (paths relative to the
 * file), optionally `answer`, `id`, `kind`; other columns are ignored. The file is streamed, a line at a time, each of bounded length.
 */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../protocol/errors.ts';
import type { Picture, PictureRef, Question } from '../protocol/messages.ts';
import type { Dataset, Label, LabelledDataset } from './dataset.ts';
import { loadPicture } from './picture.ts';

/** Longest line accepted, in characters: pictures belong in files, not in the text. */
const MAX_LINE = 1_000_000;

const Row = z.looseObject({
  problem: z.string().trim().min(1),
  images: z.array(z.string().min(1)),
  answer: z.union([z.string(), z.number()]).nullish(),
  id: z.union([z.string().min(1), z.number()]).optional(),
  kind: z.string().optional(),
});

/** A row as read: the question, and its label apart. */
export interface JsonlRow {
  readonly question: Question;
  readonly label: Label | undefined;
}

/** @throws InputError naming file, line and field. */
export async function* readJsonl(file: string): AsyncGenerator<JsonlRow> {
  const name = basename(file, extname(file));
  let line = 0;
  for await (const text of lines(file)) {
    line++;
    if (text.trim() === '') continue;
    yield parseRow(text, { file, line, name });
  }
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

function parseRow(text: string, { file, line, name }: Place): JsonlRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}:${line}: not JSON (${(error as Error).message}); each line must be one JSON object`);
  }
  const row = Row.safeParse(value);
  if (!row.success) {
    const issue = row.error.issues[0];
    const field = issue?.path.join('.') || 'the line';
    throw new InputError(`${file}:${line}: ${field}: ${issue?.message}; expected {"problem": string, "images": [path, ...], "answer"?: string}`);
  }
  const { problem, images, answer, id, kind } = row.data;
  const pictures = images.map((path): PictureRef => ({
    type: 'file',
    path: resolve(dirname(file), path),
  }));
  return {
    question: {
      id: `${name}/${id ?? line}`,
      text: problem,
      pictures,
      origin: 'dataset',
      ...(kind !== undefined && { kind }),
    },
    label: answer === null || answer === undefined ? undefined : String(answer),
  };
}

/** Lines of a UTF-8 file without their line break, in bounded memory. */
async function* lines(file: string): AsyncGenerator<string> {
  let rest = '';
  let line = 1;
  const stream = createReadStream(file, { encoding: 'utf8' });
  try {
    for await (const chunk of stream) {
      rest += chunk as string;
      const parts = rest.split('\n');
      rest = parts.pop() ?? '';
      line += parts.length;
      if (rest.length > MAX_LINE)
        throw new InputError(`${file}:${line}: line is longer than ${MAX_LINE} characters; put pictures in files and name them in "images"`);
      yield* parts;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file}: cannot be read (${(error as Error).message})`);
  }
  if (rest !== '') yield rest;
}

/** Reads the whole file and checks that every picture's file is there (not that it decodes). @throws InputError as `readJsonl`. */
export async function openJsonl(file: string): Promise<LabelledDataset> {
  const questions: Question[] = [];
  const answers = new Map<string, Label>();
  const seen = new Set<string>();
  for await (const { question, label } of readJsonl(file)) {
    if (seen.has(question.id)) throw new InputError(`${file}: id ${JSON.stringify(question.id)} appears twice; ids must be unique`);
    seen.add(question.id);
    await checkPictures(file, question);
    questions.push(question);
    if (label !== undefined) answers.set(question.id, label);
  }
  if (questions.length === 0) throw new InputError(`${file}: holds no questions`);
  return { dataset: listDataset(file, questions), labels: { label: (id) => answers.get(id) } };
}

async function checkPictures(file: string, question: Question): Promise<void> {
  for (const ref of question.pictures) {
    if (ref.type !== 'file') continue;
    await access(ref.path).catch(() => {
      throw new InputError(`${file}: question ${question.id}: images: ${ref.path} does not exist; paths are relative to the JSONL file`);
    });
  }
}

/** A data set over questions already in memory; also what a split yields. */
export function listDataset(name: string, questions: readonly Question[]): Dataset {
  return {
    name,
    size: questions.length,
    question(i: number): Question {
      const question = questions[i];
      if (!question) throw new RangeError(`question ${i} is outside 0..${questions.length - 1}`);
      return question;
    },
    picture: (ref: PictureRef): Promise<Picture> => loadPicture(ref),
  };
}
