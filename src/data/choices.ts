/** Multiple choice: the choices join the question's text. */
import { InputError } from '../protocol/errors.ts';
import { parseList } from './list-text.ts';
import { quoted } from './quoted.ts';

export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/**
 * A list (MathVista, MathVision), also as text (MMMU), a struct `{A: ...}` or `{label, text}` (ARC), or one text `A. 3;
 * B. 4` (We-Math); undefined when a row has no choices.
 * @throws InputError on anything else, without the place.
 */
export function readChoices(value: unknown): readonly string[] | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const list = typeof value === 'string' ? parseList(value) : (value as { readonly text?: unknown }).text;
  const choices: readonly unknown[] = Array.isArray(list)
    ? list
    : typeof value === 'string'
      ? splitChoices(value)
      : Object.values(value).filter((choice) => choice !== null);
  if (choices.length === 0 && (typeof value === 'object' || Array.isArray(list))) return undefined;
  const texts = choices.map((choice) =>
    ['string', 'number', 'bigint'].includes(typeof choice) ? String(choice).trim() : '',
  );
  if (texts.length < 2 || texts.length > LETTERS.length || texts.includes('')) {
    throw new InputError(
      `${quoted(value)} is no list of 2 to ${LETTERS.length} choices, nor a text such as "A. 3; B. 4"`,
    );
  }
  return texts;
}

/** Each choice on a line or after a semicolon, otherwise after a space. */
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

/** The question's text with its choices. */
export function withChoices(question: string, choices: readonly string[]): string {
  return `${question}\nChoices:\n${choices.map((choice, i) => `${LETTERS[i]}. ${choice}`).join('\n')}`;
}
