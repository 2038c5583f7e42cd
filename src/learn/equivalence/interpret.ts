/** Text -> Value. Each reader takes normalised text and gives a value or null; the first that succeeds wins. */
import { readChemistry } from './chemistry.ts';
import { readChoice } from './choice.ts';
import { readTimeOfDay } from './time-of-day.ts';
import { readDate } from './date.ts';
import { readDirected } from './direction.ts';
import { readDuration } from './duration.ts';
import { readExcluded } from './excluded.ts';
import { readFigure, withoutMarks } from './figure.ts';
import { wholeNumbers } from './inequality.ts';
import { readList, readUnion } from './list.ts';
import { readLogic } from './logic.ts';
import { readMatrix, tuple } from './matrix.ts';
import { normalise, MAX_ANSWER_CHARS } from './normalise.ts';
import { readNumbered } from './numbered.ts';
import { eachSigned, hasBothSigns, readPlusMinus } from './plus-minus.ts';
import { readPoint } from './points.ts';
import { readCompound, readNumber, readQuantity } from './quantity.ts';
import { readRelation } from './relation.ts';
import { readLoneOne, readRoman } from './roman.ts';
import { enclosed, splitTop } from './split.ts';
import { readRange } from './range.ts';
import type { Value } from './value.ts';
import { foldWords, readWords } from './words.ts';

const MAX_NESTING = 6;

/** A parsed answer: its value and its normalised text. Equal texts are equal answers; `r` and `R` are two names. */
export interface Answer {
  readonly folded: string;
  readonly value: Value;
}

export function interpret(answer: string): Answer {
  if (answer.length > MAX_ANSWER_CHARS) return { folded: answer, value: { type: 'words', text: answer } };
  const number = /^-?\d{1,15}(?:\.\d{1,15})?$/.test(answer) ? readNumber(answer) : null;
  if (number) return { folded: answer, value: number };
  const text = normalise(answer);
  return { folded: text, value: readLoneOne(text) ?? read(text, 0) };
}

function read(text: string, depth: number): Value {
  if (depth > MAX_NESTING) return words(text);
  const figure = readFigure(text);
  if (figure) return figure;
  // A value made of parts keeps the figure marks of its parts.
  const plain = withoutMarks(text);
  return (
    readChoice(plain, depth, read) ??
    readNumber(plain) ??
    readRoman(plain) ??
    readDuration(plain) ??
    readTimeOfDay(plain) ??
    readDirected(plain, depth, read) ??
    readRange(plain, depth, read) ??
    readDate(plain) ??
    readChemistry(plain, depth === 0) ??
    readNumbered(plain) ??
    readWords(plain) ??
    readSystem(text, depth) ??
    readExcluded(plain, depth, read) ??
    readRelation(text, depth, read) ??
    readLogic(plain) ??
    readUnion(text, depth, read) ??
    readCompound(plain) ??
    readList(text, depth, read) ??
    readPoint(plain, depth, read) ??
    readSignedPoint(plain, depth) ??
    readBrackets(text, depth) ??
    readPlusMinus(plain, depth, read) ??
    readRatio(plain, depth) ??
    readQuantity(plain) ??
    words(plain)
  );
}

const words = (text: string): Value => ({ type: 'words', text: foldWords(text) });

/** A system of equations is the list of them. */
function readSystem(text: string, depth: number): Value | null {
  const rows = /^\\begin\{(?:cases|aligned|align\*?)\}(.*)\\end\{(?:cases|aligned|align\*?)\}$/s.exec(text)?.[1];
  if (rows === undefined) return null;
  return read(
    rows
      .replaceAll('&', ' ')
      .replace(/[\s,;]*\\cr\s*/g, ' ; ')
      .replace(/[\s;]+$/, ''),
    depth + 1,
  );
}

/** `(\pm 1, 2)` is two points. */
const readSignedPoint = (text: string, depth: number): Value | null =>
  /^\(.*,.*\)$/s.test(text) ? readPlusMinus(text, depth, read) : null;

function readBrackets(text: string, depth: number): Value | null {
  const matrix = readMatrix(text, depth, read);
  if (matrix) return matrix;
  // `]2, 5[` is another notation of `(2, 5)`.
  const [, from, ends, to] = /^([\][])([^\][]*,[^\][]*)([\][])$/.exec(text) ?? [];
  if (ends !== undefined && (from === ']' || to === '['))
    return read(`${from === ']' ? '(' : '['}${ends}${to === '[' ? ')' : ']'}`, depth + 1);
  const whole = enclosed(text);
  if (!whole) return null;
  const { open, close, inner } = whole;
  if (inner.startsWith('\\begin')) return readBrackets(inner, depth);
  if (inner === '') return open === '{' ? words('empty set') : null;
  // `\{x | x > 2\}` is the set of its condition.
  const [, numbers, condition] =
    (open === '{' && /^[A-Za-z](?:\s*\\in\s*(?:\\mathbb\s*)?\{?\s*([RZN])\s*\}?)?\s*[|:]\s*(.+)$/.exec(inner)) || [];
  if (condition !== undefined)
    return numbers === 'Z' || numbers === 'N' ? wholeNumbers(read(condition, depth + 1)) : read(condition, depth + 1);
  const list = splitTop(inner, /[,;]/g);
  if (!list)
    return open === '{' && close === '}' ? { type: 'sequence', open, close, items: [read(inner, depth + 1)] } : null;
  if (list.parts.some((part) => part === '')) return null;
  const items = list.parts.flatMap((part) => {
    const item = read(part, depth + 1);
    return open === '{' && hasBothSigns(part) ? eachSigned(item) : [item];
  });
  const rows = open === '[' && items.every((item) => item.type === 'sequence' && item.open === '[');
  return rows
    ? tuple(items.map((row) => (row.type === 'sequence' ? tuple(row.items) : row)))
    : { type: 'sequence', open, close, items };
}

/** `1:2`, `2:3:5`, `1 to 2`. */
function readRatio(text: string, depth: number): Value | null {
  const split = splitTop(text, /:|(?<=\d)\s+to\s+(?=\d)/g);
  if (!split || split.parts.length > 8 || split.parts.some((part) => part === '')) return null;
  const parts = split.parts.map((part) => read(part, depth + 1));
  return parts.every((part) => part.type === 'quantity') ? { type: 'ratio', parts } : null;
}
