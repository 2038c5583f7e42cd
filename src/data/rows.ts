/** Rows of a file -> questions and labels, whatever the file's format. */
import { extractAnswer } from '../learn/answer.ts';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef, Question } from '../protocol/messages.ts';
import { storableKey, storableText } from '../protocol/storable.ts';
import { choiceLabels, readChoices, withChoices, type ChoiceAnswer } from './choices.ts';
import { isRecord, valueAt, type Columns } from './columns.ts';
import { contentDigest } from './content.ts';
import { listDataset, type Label, type LabelledDataset } from './dataset.ts';

/** Those of a double. */
const MOST_DECIMALS = 15;

export interface OpenOptions {
  /** Columns under another name than the usual ones. */
  readonly columns?: Columns | undefined;
  /** Accept a data set of pictures with no questions, to be asked about by the model itself. */
  readonly picturesAlone?: boolean;
}

export interface Row {
  /** Undefined in a data set of pictures alone. */
  readonly text: string | undefined;
  readonly id: string | undefined;
  readonly kind: string | undefined;
  readonly answer: string | undefined;
  readonly choices: readonly string[] | undefined;
  /** To which an answer is rounded before it is compared. */
  readonly decimals: number | undefined;
}

/** @param where names the row in errors. @throws InputError naming the row and the column. */
export function readRow(record: Readonly<Record<string, unknown>>, columns: Columns, where: string): Row {
  const at = (role: keyof Columns) => (columns[role] === undefined ? undefined : (valueAt(record, columns[role]) ?? undefined));
  const fail = (role: keyof Columns, why: string) => new InputError(`${where}: ${columns[role]}: ${why}`);
  const short = (role: keyof Columns) => {
    const value = at(role);
    if (value === undefined || isShort(value)) return value === undefined ? undefined : String(value);
    throw fail(role, `expected a text or a number, found ${Array.isArray(value) ? 'a list' : isRecord(value) ? 'an object' : typeof value}`);
  };
  const key = (role: keyof Columns) => {
    const value = short(role);
    return value === undefined ? undefined : storableKey(value);
  };
  const question = at('question');
  if (columns.question !== undefined && (typeof question !== 'string' || withoutPlaceholders(question) === '')) {
    throw fail('question', `expected a text that is not empty, found ${JSON.stringify(question) ?? 'nothing'}`);
  }
  const answer = short('answer');
  return {
    text: question === undefined ? undefined : storableText(withoutPlaceholders(question as string)),
    id: key('id'),
    kind: key('kind'),
    answer: answer === undefined || answer.trim() === '' ? undefined : storableText(finalAnswer(answer)),
    choices: choicesOf(at('choices'), (why) => fail('choices', why))?.map(storableText),
    decimals: decimalsOf(at('decimals'), (why) => fail('decimals', why)),
  };
}

function isShort(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

function decimalsOf(value: unknown, fail: (why: string) => InputError): number | undefined {
  if (value === undefined || value === '') return undefined;
  const decimals = Number(value);
  if (Number.isInteger(decimals) && decimals >= 0 && decimals <= MOST_DECIMALS) return decimals;
  throw fail(`expected a whole number from 0 to ${MOST_DECIMALS}, found ${JSON.stringify(value) ?? typeof value}`);
}

function choicesOf(value: unknown, fail: (why: string) => InputError): readonly string[] | undefined {
  try {
    return readChoices(value);
  } catch (error) {
    throw error instanceof InputError ? fail(error.message) : error;
  }
}

/** `<image>` and `<image1>` mark where a picture goes; here every picture goes before the text. */
function withoutPlaceholders(text: string): string {
  return text.replaceAll(/<image\s*\d*>[ \t]*\n?/g, '').trim();
}

/** A worked solution's final answer (GeoQA writes `<answer> 145 </answer>`); any other answer is taken as it is. */
function finalAnswer(answer: string): string {
  return extractAnswer(answer) ?? answer.trim();
}

/** Of a shard, what follows the name of the set: a row keeps its identity when it moves to another shard. */
const SHARD = /-\d+-of-\d+$/;
/** Hex digits of a content's digest that make an id. */
const ID_DIGITS = 16;

/** A row in its place. */
export interface Entry {
  readonly row: Row;
  /** Of the file, without its ending. */
  readonly name: string;
  readonly pictures: readonly PictureRef[];
  readonly where: string;
}

/** Gathers the rows of one data set. */
export class RowCollector {
  private readonly questions: Question[] = [];
  private readonly pictures: PictureRef[] = [];
  private readonly free = new Map<string, Label>();
  private readonly choice: ChoiceAnswer[] = [];
  private readonly decimals = new Map<string, number>();
  /** Id -> file and row. */
  private readonly seen = new Map<string, string>();
  /** By content, rows without an id. */
  private readonly alike = new Map<string, number>();

  /** @throws InputError when the id was there before. */
  async add({ row, name, pictures, where }: Entry): Promise<void> {
    const text = row.text !== undefined && row.choices ? withChoices(row.text, row.choices) : row.text;
    const id = row.id === undefined ? this.idOf(name.replace(SHARD, ''), await contentDigest(text, pictures)) : `${name}/${row.id}`;
    if (this.seen.has(id)) throw new InputError(`${where}: id ${JSON.stringify(id)} appears twice; ids must be unique`);
    this.seen.set(id, where);
    this.pictures.push(...pictures);
    if (text === undefined) return;
    const { choices, kind, answer } = row;
    this.questions.push({ id, text, pictures, origin: 'dataset', ...(kind !== undefined && { kind }) });
    if (answer === undefined) return;
    if (choices) this.choice.push({ id, choices, answer, where });
    else this.free.set(id, answer);
    if (row.decimals !== undefined && !choices) this.decimals.set(id, row.decimals);
  }

  /** The content says what a row without an id is, wherever it stands; the second of several equal ones ends in `-2`. */
  private idOf(name: string, digest: string): string {
    const id = `${name}/${digest.slice(0, ID_DIGITS)}`;
    const count = (this.alike.get(id) ?? 0) + 1;
    this.alike.set(id, count);
    return count === 1 ? id : `${id}-${count}`;
  }

  /** @throws InputError when there is nothing, or an answer is none of its choices. */
  finish(name: string): LabelledDataset {
    if (this.seen.size === 0) throw new InputError(`${name}: holds no questions`);
    const choices = choiceLabels(this.choice);
    return {
      dataset: { ...listDataset(name, this.questions, this.pictures), where: (id) => this.seen.get(id) },
      labels: {
        label: (id) => this.free.get(id) ?? choices.label(id),
        alternatives: (id) => choices.alternatives?.(id) ?? [],
        decimals: (id) => this.decimals.get(id),
      },
    };
  }
}
