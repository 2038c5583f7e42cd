/**
 * Jigsaw-R1's two rewards (arXiv 2505.23590; `utils/reward.py` of its release). Accuracy: for a whole order the share
 * of pieces that are in their place, for a pair 1 or 0. Format: 1 for what could be an answer.
 */
import { relationOf, relationsOf, type Puzzle } from './puzzle.ts';

export interface Score {
  readonly accuracy: number;
  readonly format: number;
}

const NOTHING: Score = { accuracy: 0, format: 0 };

/** `relations` are the answers for RELATIONS, in that order. */
export function scoreOf(puzzle: Puzzle, answer: string | null, relations: readonly string[]): Score {
  if (answer === null) return NOTHING;
  return puzzle.pair ? scorePair(puzzle, plain(answer), relations.map(plain)) : scoreOrder(puzzle, answer);
}

function scorePair(puzzle: Puzzle, answer: string, relations: readonly string[]): Score {
  if (!relationsOf(puzzle).some((relation) => relations[relation] === answer)) return NOTHING;
  return { accuracy: Number(relations[relationOf(puzzle)] === answer), format: 1 };
}

/**
 * The order as the question asks for it: for each place the number of the piece at it, from 1, with or without signs
 * between them.
 */
function scoreOrder({ order }: Puzzle, answer: string): Score {
  if (!/^[\d\s,;[\]()]*$/.test(answer)) return NOTHING;
  const pieces = [...answer.replaceAll(/\D/g, '')].map((digit) => Number(digit) - 1);
  if (pieces.length !== order.length || pieces.some((piece) => piece < 0 || piece >= order.length)) return NOTHING;
  return { accuracy: order.filter((piece, place) => piece === pieces[place]).length / order.length, format: 1 };
}

/** `\text{Upper-left}.` is `upper left`. */
function plain(text: string): string {
  return text
    .replaceAll(/\\text\w*\{([^}]*)\}/g, '$1')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();
}
