/** Rows of a file of any format -> questions and labels. */
import { extractAnswer } from '../learn/answer.ts';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef, Question } from '../protocol/messages.ts';
import { storableKey, storableText } from '../protocol/storable.ts';
import { choiceLabels, type AnswerIs, type ChoiceAnswer } from './choice-labels.ts';
import { readChoices, withChoices } from './choices.ts';
import { isRecord, valueAt, type ChosenColumns, type Columns } from './columns.ts';
import { contentDigest } from './content.ts';
import { listDataset, type Label, type LabelledDataset } from './dataset.ts';
import type { DataRecord } from './formats/raw-row.ts';
import { isMessages, questionOfMessages, replyOfMessages } from './layouts/messages.ts';
import { parseList } from './list-text.ts';
import type { Plan } from './plan.ts';
import { quoted } from './quoted.ts';

/** Significant digits of a double. */
const MOST_DECIMALS = 15;

export interface OpenOptions {
  /** Columns under another name than the usual ones. */
  readonly columns?: ChosenColumns | undefined;
  /** Accept a data set of pictures without questions, for which the model writes the questions. */
  readonly picturesAlone?: boolean;
  /** Folder that paths of pictures are relative to; default: that of their file. */
  readonly pictureFolder?: string | undefined;
  /** Split to read, by the files' names or a column `split`. */
  readonly split?: string | undefined;
  /** Kind of the answers to multiple-choice questions; default: inferred from the answers. */
  readonly answerIs?: AnswerIs | undefined;
}

export interface Row {
  /** Undefined in a data set of pictures alone. */
  readonly text: string | undefined;
  readonly id: string | undefined;
  readonly kind: string | undefined;
  readonly answer: string | undefined;
  /** Other answers as right as `answer`. */
  readonly others: readonly string[];
  /** Whether the answer is a number, and the choices are texts. */
  readonly isNumber: boolean;
  readonly choices: readonly string[] | undefined;
  /** Decimals to which an answer is rounded before the comparison. */
  readonly decimals: number | undefined;
  /** Difficulty. */
  readonly level: number | undefined;
}

/** @param where names the row in errors. @throws InputError naming the row and the column. */
export function readRow(record: DataRecord, { columns, choices, pictures }: Plan, where: string): Row {
  const at = (role: keyof Columns) =>
    columns[role] === undefined ? undefined : (valueAt(record, columns[role]) ?? undefined);
  const fail = (role: keyof Columns, why: string) => new InputError(`${where}: ${columns[role]}: ${why}`);
  const short = (role: keyof Columns) => {
    const value = at(role);
    if (value === undefined || isShort(value)) return value === undefined ? undefined : String(value);
    throw fail(
      role,
      `expected a text or a number, found ${Array.isArray(value) ? 'a list' : isRecord(value) ? 'an object' : typeof value}`,
    );
  };
  const key = (role: keyof Columns) => {
    const value = short(role);
    return value === undefined ? undefined : storableKey(value);
  };
  const named = pictures.length > 1 ? withNamedPictures : (text: string): string => text;
  const question = at('question');
  const text = isMessages(question) ? questionOfMessages(question) : question;
  if (columns.question !== undefined && (typeof text !== 'string' || withoutPlaceholders(named(text)) === '')) {
    throw fail('question', `expected a text that is not empty, found ${quoted(question)}`);
  }
  const offered =
    choices.length > 0
      ? choices.map((name) => record[name]).filter((value) => value !== null && value !== '')
      : at('choices');
  const list = choicesOf(offered, (why) => fail('choices', why))?.map((choice) => storableText(named(choice)));
  const said = columns.answer === undefined && isMessages(question) ? replyOf(question) : at('answer');
  const answers = answersOf(said, list !== undefined, pictures.length > 1) ?? [short('answer')!];
  return {
    text: text === undefined ? undefined : storableText(withoutPlaceholders(named(text as string))),
    id: key('id'),
    kind: key('kind'),
    answer: answers[0],
    others: answers.slice(1),
    isNumber: isNumber(said) && !(Array.isArray(offered) && offered.some(isNumber)),
    choices: list,
    decimals: decimalsOf(at('decimals'), (why) => fail('decimals', why)),
    level: levelOf(at('level')),
  };
}

/**
 * A list names all right answers, or all letters of a multiple selection. @param lists whether a text may be such a
 * list.
 */
function answersOf(said: unknown, hasChoices: boolean, lists: boolean): readonly string[] | undefined {
  const list = typeof said === 'string' && (lists || hasChoices) ? (parseList(said) ?? said) : said;
  const items: readonly unknown[] = Array.isArray(list) ? list : [list];
  const given = items.filter((item) => item !== undefined && item !== null);
  if (!given.every(isShort)) return undefined;
  const texts = given.map((item) => String(item)).filter((item) => item.trim() !== '');
  if (hasChoices && texts.length > 1 && texts.every((text) => /^[A-Z]$/i.test(text))) return [texts.join('')];
  return texts.map((text) => storableText(plainLetters(finalAnswer(text))));
}

/** A chat reply in sentences cannot be compared as an answer. */
const LONGEST_REPLY = 100;

function replyOf(messages: Parameters<typeof replyOfMessages>[0]): string | undefined {
  const reply = replyOfMessages(messages);
  return reply !== undefined &&
    (extractAnswer(reply) !== null || (reply.length <= LONGEST_REPLY && !reply.includes('\n')))
    ? reply
    : undefined;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isShort(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

function decimalsOf(value: unknown, fail: (why: string) => InputError): number | undefined {
  if (value === undefined || value === '') return undefined;
  const decimals = Number(value);
  if (Number.isInteger(decimals) && decimals >= 0 && decimals <= MOST_DECIMALS) return decimals;
  throw fail(`expected a whole number from 0 to ${MOST_DECIMALS}, found ${quoted(value)}`);
}

/** Sets have levels of other kinds too, such as `Level 5` and `hard`: only a number is a difficulty. */
function levelOf(value: unknown): number | undefined {
  const text = typeof value === 'string' ? value.trim() : value;
  const level = text === '' || text === undefined || typeof text === 'boolean' ? Number.NaN : Number(text);
  return Number.isFinite(level) ? level : undefined;
}

function choicesOf(value: unknown, fail: (why: string) => InputError): readonly string[] | undefined {
  try {
    return readChoices(value);
  } catch (error) {
    throw error instanceof InputError ? fail(error.message) : error;
  }
}

/**
 * In a question with numbered pictures, a mark within a sentence refers to one of them; a mark before or after all
 * sentences is dropped.
 */
function withNamedPictures(text: string): string {
  const inner = text.replaceAll(
    /^(?:\s*<image\s*\d*>)+\s*(?=[\p{Lu}\p{N}"'($\\])|(?<=[.?!:)\]\n])\s*(?:<image\s*\d*>\s*)+$/gu,
    '',
  );
  return inner.replaceAll(/<image\s*(\d+)>/g, 'image $1');
}

/** `<image>` and `<image1>` mark the place of a picture; here every picture goes before the text. */
function withoutPlaceholders(text: string): string {
  return text.replaceAll(/<image\s*\d*>[ \t]*\n?/g, '').trim();
}

/** A worked solution's final answer (GeoQA writes `<answer> 145 </answer>`); any other answer stays as it is. */
function finalAnswer(answer: string): string {
  return extractAnswer(answer) ?? answer.trim();
}

/** Full-width letters, as Chinese and Japanese keyboards write them: `\uff22` is B. */
function plainLetters(answer: string): string {
  return /^[\s\uff08\uff09]*[\uff21-\uff3a\uff41-\uff5a]+[\s\uff08\uff09\uff0e]*$/.test(answer)
    ? answer.normalize('NFKC').trim()
    : answer;
}

/** The part of a shard's name after the set's name: a row keeps its identity when it moves to another shard. */
const SHARD = /-\d+-of-\d+$/;
/** Hex digits of a content's digest that make an id. */
const ID_DIGITS = 16;

/** A row in its place. */
export interface Entry {
  readonly row: Row;
  /** Name of the file, without its ending. */
  readonly name: string;
  readonly pictures: readonly PictureRef[];
  readonly where: string;
}

/** Gathers the rows of one data set. */
export class RowCollector {
  private readonly questions: Question[] = [];
  private readonly pictures: PictureRef[] = [];
  private readonly free = new Map<string, readonly Label[]>();
  private readonly choice: ChoiceAnswer[] = [];
  private readonly decimals = new Map<string, number>();
  private readonly levels = new Map<string, number>();
  /** Id -> file and row. */
  private readonly seen = new Map<string, string>();
  /** Counts of rows without an id, by content. */
  private readonly alike = new Map<string, number>();

  /** @throws InputError for a duplicate id. */
  async add({ row, name, pictures, where }: Entry): Promise<void> {
    const text = row.text !== undefined && row.choices ? withChoices(row.text, row.choices) : row.text;
    const id =
      row.id === undefined
        ? this.idOf(name.replace(SHARD, ''), await contentDigest(text, pictures))
        : `${name}/${row.id}`;
    if (this.seen.has(id)) throw new InputError(`${where}: id ${quoted(id)} appears twice; ids must be unique`);
    this.seen.set(id, where);
    this.pictures.push(...pictures);
    if (text === undefined) return;
    const { choices, kind, answer, isNumber, others } = row;
    this.questions.push({ id, text, pictures, origin: 'dataset', ...(kind !== undefined && { kind }) });
    if (answer === undefined) return;
    if (row.level !== undefined) this.levels.set(id, row.level);
    if (choices) this.choice.push({ id, choices, answer, isNumber, where });
    else this.free.set(id, [answer, ...others]);
    if (row.decimals !== undefined && !choices) this.decimals.set(id, row.decimals);
  }

  /** The id of a row without one, from its content, at any place; the second of several equal rows ends in `-2`. */
  private idOf(name: string, digest: string): string {
    const id = `${name}/${digest.slice(0, ID_DIGITS)}`;
    const count = (this.alike.get(id) ?? 0) + 1;
    this.alike.set(id, count);
    return count === 1 ? id : `${id}-${count}`;
  }

  /** @throws InputError when there are no rows, or an answer is not among its choices. */
  finish(name: string, { answerIs, split }: Pick<OpenOptions, 'answerIs' | 'split'> = {}): LabelledDataset {
    if (this.seen.size === 0)
      throw new InputError(`${name}: holds no questions${split === undefined ? '' : ` of the split ${split}`}`);
    const { labels: choices, note } = choiceLabels(this.choice, answerIs);
    return {
      dataset: { ...listDataset(name, this.questions, this.pictures), where: (id) => this.seen.get(id) },
      labels: {
        label: (id) => this.free.get(id)?.[0] ?? choices.label(id),
        alternatives: (id) => this.free.get(id)?.slice(1) ?? choices.alternatives?.(id) ?? [],
        decimals: (id) => this.decimals.get(id),
        level: (id) => this.levels.get(id),
      },
      notes: note === undefined ? [] : [`${name}: ${note}`],
    };
  }
}
