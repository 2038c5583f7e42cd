/** Finds the text of each token of a response, for views of single tokens. */
import type { Tokenizer } from '../compute/hf/tokenizer.ts';
import { loadPromptEncoder } from '../compute/models/folder.ts';

export type Decode = (tokens: readonly number[]) => string;

const INCOMPLETE = '\uFFFD';
/** A character is at most four bytes, so at most four tokens. */
const MOST_PARTS = 4;

/**
 * The pieces that make up `decode(tokens)`. If several tokens form a character, the last one's piece is the character
 * and the others' are empty.
 */
export function piecesOf(tokens: readonly number[], decode: Decode): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let end = 1; end <= tokens.length; end += 1) {
    const text = decode(tokens.slice(from, end));
    const whole = !text.endsWith(INCOMPLETE) || end - from === MOST_PARTS || end === tokens.length;
    pieces.push(whole ? text : '');
    if (whole) from = end;
  }
  return pieces;
}

/**
 * Starts to read the tokenizer of a model folder and decodes with it. Until it is read, or if there is none, pieces are
 * the tokens' numbers.
 */
export function tokenReader(folder: string): (tokens: readonly number[]) => readonly string[] {
  let tokenizer: Tokenizer | undefined;
  loadPromptEncoder(folder).then(
    (encoder) => (tokenizer = encoder.tokenizer),
    () => {},
  );
  return (tokens) =>
    tokenizer === undefined ? tokens.map((token) => `⟨${token}⟩`) : piecesOf(tokens, tokenizer.decode);
}
