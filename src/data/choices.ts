/** Multiple choice: the choices join the question's text, and the label is a letter. */
import { InputError } from '../protocol/errors.ts';
import type { Label, Labels } from './dataset.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * A list (MathVista, MathVision), a struct `{A: ...}`, or one text `A. 3; B. 4` (We-Math); undefined where a row has no choices.
 * @throws InputError on anything else, without the place.
 */
export function readChoices(value: unknown): readonly string[] | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const choices = typeof value === 'string' ? splitChoices(value) : Object.values(value).filter((choice) => choice !== null);
  if (choices.length === 0 && typeof value === 'object') return undefined;
  const texts = choices.map((choice) => (['string', 'number', 'bigint'].includes(typeof choice) ? String(choice).trim() : ''));
  if (texts.length < 2 || texts.length > LETTERS.length || texts.includes('')) {
    throw new InputError(`${JSON.stringify(value)} is no list of 2 to ${LETTERS.length} choices, nor a text such as "A. 3; B. 4"`);
  }
  return texts;
}

/** Each choice on a line or after a semicolon or, failing that, after a space. */
function splitChoices(text: string): string[] {
  const lines = splitAt(text, /(?:^|[;\n])\s*\(?([A-Z])[.):]\s*/g);
  return lines.length > 1 ? lines : splitAt(text, /(?:^|\s)\(?([A-Z])[.):]\s*/g);
}

/** Splits at the marks whose letters come in their turn. */
function splitAt(text: string, mark: RegExp): string[] {
  const starts: { readonly at: number; readonly from: number }[] = [];
  for (const { 0: found, 1: letter, index } of text.matchAll(mark)) {
    if (letter === LETTERS[starts.length]) starts.push({ at: index, from: index + found.length });
  }
  return starts.map(({ from }, i) => text.slice(from, starts[i + 1]?.at).replace(/[;,\s]+$/, ''));
}

/** The question as the model reads it. */
export function withChoices(question: string, choices: readonly string[]): string {
  return `${question}\nChoices:\n${choices.map((choice, i) => `${LETTERS[i]}. ${choice}`).join('\n')}`;
}

export interface ChoiceAnswer {
  readonly id: string;
  readonly choices: readonly string[];
  readonly answer: string;
  /** For errors. */
  readonly where: string;
}

/** The labels of a data set's multiple-choice questions. Answers are letters throughout (We-Math) or texts of choices throughout (MathVista). */
export function choiceLabels(rows: readonly ChoiceAnswer[]): Labels {
  const letters = rows.every(({ answer, choices }) => letterIndex(answer, choices) >= 0);
  const labels = new Map(rows.map((row) => [row.id, labelOf(row, letters)]));
  return { label: (id) => labels.get(id)?.letter, alternatives: (id) => labels.get(id)?.alternatives ?? [] };
}

function labelOf({ choices, answer, where }: ChoiceAnswer, letters: boolean): { readonly letter: Label; readonly alternatives: readonly Label[] } {
  const plain = choices.map(normal);
  const index = letters ? letterIndex(answer, choices) : plain.indexOf(normal(answer));
  const found = index >= 0 ? index : letterIndex(answer, choices);
  if (found < 0)
    throw new InputError(`${where}: answer ${JSON.stringify(answer)} is neither a letter nor one of the choices: ${choices.join(' | ')}`);
  const letter = LETTERS[found]!;
  const text = choices[found]!;
  // The text stands for the choice only where no other choice has it, and where it is not itself a letter.
  const clear = plain.indexOf(normal(text)) === plain.lastIndexOf(normal(text)) && letterIndex(text, choices) < 0;
  return { letter, alternatives: clear ? [text, `${letter}. ${text}`] : [`${letter}. ${text}`] };
}

/** `B`, `(B)`, `B.` -> 1; -1 when it is no letter of a choice. */
function letterIndex(answer: string, choices: readonly string[]): number {
  const letter = /^\(?([A-Za-z])[.):]?$/.exec(answer.trim())?.[1];
  const index = letter === undefined ? -1 : LETTERS.indexOf(letter.toUpperCase());
  return index < choices.length ? index : -1;
}

function normal(text: string): string {
  return text.replaceAll(/[$\s]+/g, '').toLowerCase();
}
