/** Text -> Value. Each reader takes normalised text and gives a value or null; the first that succeeds wins. */
import { readChoice } from './choice.ts';
import { parseDateTime } from './date-time.ts';
import { INFINITY, MINUS_INFINITY, REALS, without } from './inequality.ts';
import { readMatrix, tuple } from './matrix.ts';
import { normalise, MAX_ANSWER_CHARS } from './normalise.ts';
import { readPoint } from './points.ts';
import { readCompound, readNumber, readQuantity } from './quantity.ts';
import { bothHold, readRelation } from './relation.ts';
import { readRoman } from './roman.ts';
import { enclosed, splitTop } from './split.ts';
import { readStructured } from './structured.ts';
import type { Value } from './value.ts';
import { foldWords, readWords } from './words.ts';

const MAX_NESTING = 6;

/** An answer as read: what it says, and its normalised text, which is enough where two are typed alike; `r` and `R` are two names. */
export interface Answer {
  readonly folded: string;
  readonly value: Value;
}

export function interpret(answer: string): Answer {
  if (answer.length > MAX_ANSWER_CHARS) return { folded: answer, value: { type: 'words', text: answer } };
  const number = /^-?\d{1,15}(?:\.\d{1,15})?$/.test(answer) ? readNumber(answer) : null;
  if (number) return { folded: answer, value: number };
  const text = normalise(answer);
  return { folded: text, value: read(text, 0) };
}

function read(text: string, depth: number): Value {
  if (depth > MAX_NESTING) return words(text);
  return (
    readChoice(text, depth, read) ??
    readNumber(text) ??
    readRoman(text) ??
    parseDateTime(text) ??
    readStructured(text) ??
    readWords(text) ??
    readSystem(text, depth) ??
    readRelation(text, depth, read) ??
    readUnion(text, depth) ??
    readCompound(text) ??
    readList(text, depth) ??
    readPoint(text, depth, read) ??
    readBrackets(text, depth) ??
    readPlusMinus(text, depth) ??
    readRatio(text, depth) ??
    readQuantity(text) ??
    words(text)
  );
}

const words = (text: string): Value => ({ type: 'words', text: foldWords(text) });

function readUnion(text: string, depth: number): Value | null {
  const [, whole, holes] = /^(.+?)\s*\\(?:setminus|backslash)\s*\\?\{([^{}]*?)\\?\}$/.exec(text) ?? [];
  if (whole !== undefined && holes !== undefined) {
    const points = holes.split(',').map((point) => read(point.trim(), depth + 1));
    return without(/^\\mathbb\s*\{?\s*R/.test(whole) ? REALS : read(whole, depth + 1), points);
  }
  const split = splitTop(text, /\\cup(?![a-z])|(?<=[)\]])\s*U\s*(?=[([])/g);
  if (!split || split.parts.some((part) => part === '')) return null;
  return { type: 'union', parts: split.parts.map((part) => read(part, depth + 1)) };
}

const LIST = /,\s*(?:and|or)\s+|(?<!\d),|,(?!\d{3}(?!\d))|;|\s(?:and|or)\s|(?<=[\d)\]}])(?:and|or)(?=[\d([{A-Za-z])|\\(?:l?or|vee|land)(?![a-z])/g;

/** `3, 4`, `3; 4`, `3 and 4`, `x = 3 or x = -3`; `x = 1, y = 2; x = 3, y = 4` is a list of lists. Inequalities joined by `or` are a union. */
function readList(text: string, depth: number): Value | null {
  const split = (text.includes(';') && text.includes(',') ? splitTop(text, /;/g) : null) ?? splitTop(text, LIST);
  if (!split) return null;
  const items = split.parts.filter((part) => part !== '').map((part) => read(part, depth + 1));
  const [first, second] = items;
  if (items.length <= 1) return first ?? null;
  const together = first && second && items.length === 2 && /and|^,$/.test(split.separators[0] ?? '') ? bothHold(first, second) : null;
  if (together) return together;
  const intervals = items.every((item) => item.type === 'sequence' && item.items.some((end) => end === INFINITY || end === MINUS_INFINITY));
  if (intervals) return { type: 'union', parts: items };
  return { type: 'sequence', open: '', close: '', items: withSharedUnit(items) };
}

/** `3 and 4 cm`: the unit is everybody's. */
function withSharedUnit(items: readonly Value[]): readonly Value[] {
  const last = items.at(-1);
  if (last?.type !== 'quantity' || !last.unit) return items;
  return items.map((item) => (item.type === 'quantity' && !item.unit ? { ...item, unit: last.unit } : item));
}

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

function readBrackets(text: string, depth: number): Value | null {
  const matrix = readMatrix(text, depth, read);
  if (matrix) return matrix;
  // `]2, 5[` is how some write `(2, 5)`.
  const [, from, ends, to] = /^([\][])([^\][]*,[^\][]*)([\][])$/.exec(text) ?? [];
  if (ends !== undefined && (from === ']' || to === '[')) return read(`${from === ']' ? '(' : '['}${ends}${to === '[' ? ')' : ']'}`, depth + 1);
  const whole = enclosed(text);
  if (!whole) return null;
  const { open, close, inner } = whole;
  if (inner.startsWith('\\begin')) return readBrackets(inner, depth);
  if (inner === '') return open === '{' ? words('empty set') : null;
  // `\{x | x > 2\}` is what its condition says.
  const builder = open === '{' ? /^(?:[A-Za-z](?:\s*\\in\s*\\mathbb\s*\{?R\}?)?)\s*[|:]\s*(.+)$/.exec(inner) : null;
  if (builder?.[1]) return read(builder[1], depth + 1);
  const list = splitTop(inner, /[,;]/g);
  if (!list) return open === '{' && close === '}' ? { type: 'sequence', open, close, items: [read(inner, depth + 1)] } : null;
  if (list.parts.some((part) => part === '')) return null;
  const items = list.parts.map((part) => read(part, depth + 1));
  const rows = open === '[' && items.every((item) => item.type === 'sequence' && item.open === '[');
  return rows ? tuple(items.map((row) => (row.type === 'sequence' ? tuple(row.items) : row))) : { type: 'sequence', open, close, items };
}

/** `\pm 3` is the set of both; `1 \pm \sqrt{2}` too. */
function readPlusMinus(text: string, depth: number): Value | null {
  const signs = text.match(/\\pm(?![a-z])|\+\/-/g)?.length ?? 0;
  if (signs !== 1) return null;
  const signed = (sign: string): Value => read(text.replace(/\\pm(?![a-z])|\+\/-/, sign), depth + 1);
  return { type: 'sequence', open: '{', close: '}', items: [signed('+'), signed('-')] };
}

/** `1:2`, `2:3:5`, `1 to 2`. */
function readRatio(text: string, depth: number): Value | null {
  const split = splitTop(text, /:|(?<=\d)\s+to\s+(?=\d)/g);
  if (!split || split.parts.length > 8 || split.parts.some((part) => part === '')) return null;
  const parts = split.parts.map((part) => read(part, depth + 1));
  return parts.every((part) => part.type === 'quantity') ? { type: 'ratio', parts } : null;
}
