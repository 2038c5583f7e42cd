/**
 * The labels of multiple-choice questions are letters. Answers may be letters (We-Math), texts of choices (MathVista),
 * or positions in the choices, counted from 0 (ScienceQA); they are the same in all rows of a data set, so the rows
 * show which it is.
 */
import { InputError } from '../protocol/errors.ts';
import { LETTERS } from './choices.ts';
import type { Label, Labels } from './dataset.ts';
import { quoted } from './quoted.ts';

export const ANSWER_KINDS = ['letter', 'value', 'index'] as const;
export type AnswerIs = (typeof ANSWER_KINDS)[number];

export interface ChoiceAnswer {
  readonly id: string;
  readonly choices: readonly string[];
  readonly answer: string;
  /** Whether the answer is a number, and the choices are texts. */
  readonly isNumber: boolean;
  /** Names the row in errors. */
  readonly where: string;
}

/** Positions of the right choices; undefined when the answer does not fit this reading. */
type Reading = (row: ChoiceAnswer) => readonly number[] | undefined;

const READINGS: Readonly<Record<AnswerIs, Reading>> = {
  letter: (row) => letterOf(row) ?? letteredText(row) ?? lettersOf(row),
  value: (row) => textOf(row) ?? letterOf(row) ?? letteredText(row) ?? lettersOf(row),
  index: ({ answer, choices }) =>
    /^\d+$/.test(answer.trim()) && Number(answer) < choices.length ? [Number(answer)] : undefined,
};

const WORDS: Readonly<Record<AnswerIs, string>> = {
  letter: 'a letter of a choice',
  value: 'neither a letter nor one of the choices',
  index: 'a position in the choices, counted from 0',
};

/**
 * @param answerIs the user's setting. @returns a note when answers could be both positions and texts of choices.
 * @throws InputError naming the row whose answer is not a choice.
 */
export function choiceLabels(
  rows: readonly ChoiceAnswer[],
  answerIs?: AnswerIs,
): { readonly labels: Labels; readonly note?: string } {
  const kind = answerIs ?? kindOf(rows);
  const labels = new Map(rows.map((row) => [row.id, labelOf(row, kind)]));
  const note = answerIs === undefined ? noteOf(rows, kind) : undefined;
  return {
    labels: { label: (id) => labels.get(id)?.label, alternatives: (id) => labels.get(id)?.alternatives ?? [] },
    ...(note !== undefined && { note }),
  };
}

/** With text choices, numbers are positions if all of them can be; texts are values if all of them can be. */
function kindOf(rows: readonly ChoiceAnswer[]): AnswerIs {
  const all = (kind: AnswerIs): boolean => rows.every((row) => READINGS[kind](row) !== undefined);
  if (
    rows.every(
      (row) => letterOf(row) !== undefined || (textOf(row) === undefined && READINGS.letter(row) !== undefined),
    )
  )
    return 'letter';
  if (!all('index')) return 'value';
  return rows.every(({ isNumber }) => isNumber) || !all('value') ? 'index' : 'value';
}

function noteOf(rows: readonly ChoiceAnswer[], kind: AnswerIs): string | undefined {
  const row =
    kind === 'letter'
      ? undefined
      : rows.find((each) => READINGS.index(each) !== undefined && textOf(each) !== undefined);
  if (row === undefined || (kind === 'value' && !rows.every((each) => READINGS.index(each) !== undefined)))
    return undefined;
  const [taken, other] =
    kind === 'index' ? ['positions in the choices, counted from 0', 'value'] : ['texts of choices', 'index'];
  const why = `the answer ${quoted(row.answer)} is both a position and the text of a choice`;
  return `answers are taken as ${taken} (${why}); if that is wrong, --set data.answerIs=${other}`;
}

function labelOf(
  row: ChoiceAnswer,
  kind: AnswerIs,
): { readonly label: Label; readonly alternatives: readonly Label[] } {
  const { choices, answer, where } = row;
  const found = READINGS[kind](row);
  if (found === undefined) {
    const is = kind === 'value' ? 'is' : 'is not';
    const hint = 'if the answers are of another kind, --set data.answerIs=letter, value or index';
    throw new InputError(
      `${where}: answer ${quoted(answer)} ${is} ${WORDS[kind]}: ${choices.map((choice) => cut(choice)).join(' | ')}; ${hint}`,
    );
  }
  const letters = found.map((i) => LETTERS[i]!);
  if (found.length > 1)
    return {
      label: letters.join(''),
      alternatives: [', ', ',', ' and ', '; ', ' '].map((between) => letters.join(between)),
    };
  const letter = letters[0]!;
  const text = choices[found[0]!]!;
  // The text stands for the choice only if no other choice has it and it is not itself a letter.
  const plain = choices.map(normal);
  const clear = plain.indexOf(normal(text)) === plain.lastIndexOf(normal(text)) && letterIndex(text, choices) < 0;
  return { label: letter, alternatives: clear ? [text, `${letter}. ${text}`] : [`${letter}. ${text}`] };
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function letterOf({ answer, choices }: ChoiceAnswer): readonly number[] | undefined {
  return one(letterIndex(answer, choices));
}

function textOf({ answer, choices }: ChoiceAnswer): readonly number[] | undefined {
  const whole = choices.map(normal).indexOf(normal(answer));
  return one(
    whole >= 0 ? whole : choices.map((choice, i) => normal(withoutOwnLetter(choice, i))).indexOf(normal(answer)),
  );
}

/** The text of a choice with its letter, `B. 4`. */
function withoutOwnLetter(choice: string, index: number): string {
  return choice.replace(/^\(?([A-Z])[.):]\s*/, (mark, letter: string) => (letter === LETTERS[index] ? '' : mark));
}

/** `B. 4`, if choice B is 4. */
function letteredText({ answer, choices }: ChoiceAnswer): readonly number[] | undefined {
  const [, letter, text] = /^\s*\(?([A-Za-z])\s*[.):,]\s*(\S[\s\S]*)$/.exec(answer.normalize('NFKC')) ?? [];
  const index = letter === undefined ? -1 : letterIndex(letter, choices);
  return index >= 0 && normal(choices[index]!.normalize('NFKC')) === normal(text!) ? [index] : undefined;
}

/** `AC`, `A, C`, `A and C`: more than one choice, each once. */
function lettersOf({ answer, choices }: ChoiceAnswer): readonly number[] | undefined {
  const text = answer.normalize('NFKC').trim();
  if (!/^\(?[A-Z](?:\)?(?:\s*(?:[,;/&、]|and)\s*|\s*)\(?[A-Z])+\)?[.]?$/.test(text)) return undefined;
  const places = [...text.replaceAll('and', '').matchAll(/[A-Z]/g)].map(([letter]) => LETTERS.indexOf(letter));
  const isSet = new Set(places).size === places.length && places.every((place) => place < choices.length);
  return isSet ? places.toSorted((a, b) => a - b) : undefined;
}

function one(index: number): readonly number[] | undefined {
  return index < 0 ? undefined : [index];
}

/** `B`, `(B)`, `B.`, also in full width -> 1; -1 when it is not the letter of a choice. */
function letterIndex(answer: string, choices: readonly string[]): number {
  const letter = /^\(?([A-Za-z])[.):]?\)?$/.exec(answer.normalize('NFKC').trim())?.[1];
  const index = letter === undefined ? -1 : LETTERS.indexOf(letter.toUpperCase());
  return index < choices.length ? index : -1;
}

function normal(text: string): string {
  return text.replaceAll(/[$\s]+/g, '').toLowerCase();
}
