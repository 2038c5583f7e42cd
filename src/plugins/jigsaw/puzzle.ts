/**
 * One jigsaw: the cut and order of its picture, the question, and the right answer, which follows from the question
 * alone.
 */
import type { PictureRef, Question } from 'quorum';

export interface Cut {
  readonly rows: number;
  readonly columns: number;
}

export interface Puzzle extends Cut {
  /** Piece of the original at each place, row by row, from 0. */
  readonly order: readonly number[];
  /** The two places whose pieces are compared, from 0; null when the question is about the whole order. */
  readonly pair: readonly [number, number] | null;
}

/** Two pieces of the original: the first is ... of the second. In the order in which options name them. */
export const RELATIONS = [
  'left',
  'right',
  'above',
  'below',
  'upper left',
  'upper right',
  'lower left',
  'lower right',
] as const;

/** At most 9 pieces, so that a number of one is a digit. */
export const MOST_PIECES = 9;

const ID = /^jigsaw\/(full|pair)\/(\d)x(\d)\/(?:(\d)-(\d)\/)?\d+$/;

/** A puzzle on the picture `of`, with the model's prompt as `text`. */
export function questionOf(puzzle: Puzzle, of: PictureRef, text: string, sequence: number): Question {
  const { rows, columns, order, pair } = puzzle;
  const kind = `jigsaw/${pair ? 'pair' : 'full'}/${rows}x${columns}`;
  const places = pair ? `${pair[0] + 1}-${pair[1] + 1}/` : '';
  return {
    id: `${kind}/${places}${sequence}`,
    text,
    kind,
    origin: 'plugin',
    verbatim: true,
    pictures: [{ type: 'rearranged', of, rows, columns, order }],
  };
}

/** The jigsaw that a question is, read from its id and its picture; undefined for any other question. */
export function puzzleOf({ id, origin, pictures }: Question): Puzzle | undefined {
  const match = ID.exec(id);
  const [picture] = pictures;
  if (!match || origin !== 'plugin' || pictures.length !== 1 || picture?.type !== 'rearranged') return undefined;
  const { rows, columns, order } = picture;
  const [, form, idRows, idColumns, first, second] = match;
  if (rows !== Number(idRows) || columns !== Number(idColumns) || (form === 'pair') !== (first !== undefined))
    return undefined;
  if (form === 'full') return { rows, columns, order, pair: null };
  const pair = [Number(first) - 1, Number(second) - 1] as const;
  return pair.every((place) => order[place] !== undefined) && first !== second
    ? { rows, columns, order, pair }
    : undefined;
}

/** Index into RELATIONS of the piece at the first place of the pair to the piece at the second. */
export function relationOf({ columns, order, pair }: Puzzle): number {
  const [one, other] = pair!.map((place) => order[place]!) as [number, number];
  const down = Math.sign(Math.floor(one / columns) - Math.floor(other / columns));
  const right = Math.sign((one % columns) - (other % columns));
  if (down === 0) return right < 0 ? 0 : 1;
  if (right === 0) return down < 0 ? 2 : 3;
  return 4 + (down < 0 ? 0 : 2) + (right < 0 ? 0 : 1);
}

/** Relations that two pieces of this cut can have. */
export function relationsOf({ rows, columns }: Cut): readonly number[] {
  if (rows === 1) return [0, 1];
  return columns === 1 ? [2, 3] : [0, 1, 2, 3, 4, 5, 6, 7];
}
