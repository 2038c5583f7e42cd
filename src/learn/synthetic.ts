/**
 * Decides whether a text of the model may be asked as a question, by the text alone: nothing here depends on a data set
 * or its phrasings. The vote decides whether the question can be answered (filters.ts).
 */
import type { Finish, Question } from '../protocol/messages.ts';
import type { Written } from '../protocol/ports.ts';

/**
 * `unfinished`: the text does not end. `malformed`: not a single question. `duplicate`: nearly the same words as
 * another question about the same pictures, its seed included.
 */
export type Rejection = 'unfinished' | 'malformed' | 'duplicate';

export interface SyntheticOptions {
  /** Maximum of words in a question. */
  readonly maxWords: number;
  /** Similarity, in [0, 1], from which two questions about the same pictures are duplicates. */
  readonly duplicateSimilarity: number;
}

/** After this many batches in a row without a usable question, the model counts as unable to write any. */
export const FRUITLESS_BATCHES = 8;

/**
 * The model's question without the text around it, and, if it may not be asked, the reason. @param about texts of the
 * other questions about the same pictures; the seed is added here.
 */
export function screen(
  { question: written, seed, finish }: Written,
  about: readonly string[],
  options: SyntheticOptions,
): { readonly question: Question; readonly rejection: Rejection | undefined } {
  const question = { ...written, text: questionText(written.text) };
  const others = seed ? [seed.text, ...about] : about;
  const rejection =
    formProblem(question.text, finish, options) ??
    (isDuplicate(question.text, others, options) ? 'duplicate' : undefined);
  return { question, rejection };
}

const FEWEST_WORDS = 2;
/** Markup that does not belong in a question: a box, special tokens, picture placeholders. */
const MARKUP = /\\boxed|<\|[^|]*\|>|<\/?(?:image|answer|think)>/i;
const LABEL = /^(?:\d+[.)]\s*|(?:new |the )?question\s*(?:\d+\s*)?:\s*)/i;

/** The question without the quotes, the numbering or the `Question:` that models put around it. */
export function questionText(written: string): string {
  const text = written.trim().replaceAll(/\s+/g, ' ').replace(LABEL, '').trim();
  const quoted = /^["'“](.*)["'”]$/.exec(text);
  return quoted ? quoted[1]!.trim() : text;
}

/** The reason why `text` (from `questionText`) is not a question, or undefined if it is one. */
export function formProblem(
  text: string,
  finish: Finish,
  { maxWords }: Pick<SyntheticOptions, 'maxWords'>,
): Rejection | undefined {
  if (finish !== 'stop') return 'unfinished';
  const found = words(text);
  const isQuestion = /[?？]$/.test(text) && text.indexOf('?') === text.lastIndexOf('?');
  const stutters = found.some((word, i) => word === found[i + 1] && word === found[i + 2]);
  if (!isQuestion || stutters || MARKUP.test(text) || found.length < FEWEST_WORDS || found.length > maxWords)
    return 'malformed';
  return undefined;
}

/** Whether one of `others`, questions about the same pictures, has nearly the same words. */
export function isDuplicate(
  text: string,
  others: Iterable<string>,
  { duplicateSimilarity }: Pick<SyntheticOptions, 'duplicateSimilarity'>,
): boolean {
  for (const other of others) if (similarity(text, other) >= duplicateSimilarity) return true;
  return false;
}

/**
 * Jaccard similarity of the sets of word pairs (Broder 1997); exact, because the questions about one picture are few.
 * Case and punctuation do not matter.
 */
export function similarity(a: string, b: string): number {
  const [left, right] = [pairs(words(a)), pairs(words(b))];
  const common = [...left].filter((pair) => right.has(pair)).length;
  const all = left.size + right.size - common;
  return all === 0 ? 1 : common / all;
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Ends count: `^` before the first word and `$` after the last. */
function pairs(list: readonly string[]): Set<string> {
  const all = ['^', ...list, '$'];
  return new Set(all.slice(1).map((word, i) => `${all[i]} ${word}`));
}
