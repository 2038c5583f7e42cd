/** Text -> Value. Each reader takes normalised text and gives a value or null; the first that succeeds wins. */
import { parseDateTime } from './date-time.ts';
import { numberOf, operation, parseExpression, type Expression } from './expression.ts';
import { normalise, MAX_ANSWER_CHARS } from './normalise.ts';
import { enclosed, splitTop } from './split.ts';
import { parseUnit, type Unit } from './units.ts';
import type { Quantity, Value } from './value.ts';
import { foldWords, readWords } from './words.ts';

const MAX_NESTING = 6;

/** An answer as read: what it says, and its normalised text in lower case, which is enough where two are typed alike. */
export interface Answer {
  readonly folded: string;
  readonly value: Value;
}

export function interpret(answer: string): Answer {
  if (answer.length > MAX_ANSWER_CHARS) return { folded: answer, value: { type: 'words', text: answer } };
  const number = /^-?\d{1,15}(?:\.\d{1,15})?$/.test(answer) ? readNumber(answer) : null;
  if (number) return { folded: answer, value: number };
  const text = normalise(answer);
  return { folded: text.toLowerCase(), value: read(text, 0) };
}

function read(text: string, depth: number): Value {
  if (depth > MAX_NESTING) return words(text);
  return (
    readChoice(text, depth) ??
    readNumber(text) ??
    parseDateTime(text) ??
    readWords(text) ??
    readRelation(text, depth) ??
    readUnion(text, depth) ??
    readList(text, depth) ??
    readBrackets(text, depth) ??
    readPlusMinus(text, depth) ??
    readRatio(text, depth) ??
    readQuantity(text) ??
    words(text)
  );
}

const words = (text: string): Value => ({ type: 'words', text: foldWords(text) });

/** `A`, `(A)`, `A.`, `Option A`, `A: 45`, `(B) 45`, `B. 45`. */
function readChoice(text: string, depth: number): Value | null {
  const lone = /^(?:(?:the\s+)?(?:correct\s+)?(?:option|choice|answer)(?:\s+is)?\s*:?\s*)?(?:\(\s*([A-Za-z])\s*\)|\[([A-J])\]|([A-J])[.:)]?)$/i.exec(
    text,
  );
  const letter = lone?.[1] ?? lone?.[2] ?? lone?.[3];
  if (letter && (/[A-J]/.test(letter) || text.length > 1)) return { type: 'choice', letter: letter.toUpperCase(), rest: null };
  const labelled = /^(?:(?:option|choice|answer)\s+)?(?:\(([A-Ja-j])\)\s*|([A-J])(?:[.:)]\s+|[.:)](?=[^\d\s])|:\s*|\)\s*|\.(?=\d))\s*)(.+)$/is.exec(
    text,
  );
  const mark = labelled?.[1] ?? labelled?.[2];
  const rest = labelled?.[3];
  if (!mark || !rest || (labelled?.[2] && !/[A-J]/.test(mark)) || /^[+\-*/^=]/.test(rest)) return null;
  // `(a)(b)` and `(x) y` are products, unless a word or a number follows the letter.
  if (labelled?.[1] && !/^(?:[\d$\\-]|[A-Za-z]{2}|[A-Z]$)/.test(rest)) return null;
  return { type: 'choice', letter: mark.toUpperCase(), rest: read(rest, depth + 1) };
}

/** The fast path: a plain number needs no more than this. Thousands separated by commas or spaces. */
function readNumber(text: string): Value | null {
  if (!/^[+-]?\s*[\d.]/.test(text)) return null;
  const bare = /^[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?$/.test(text) ? text.replaceAll(' ', '') : text;
  if (!/^[+-]?\s*(?:\d[\d,]*\.?\d*|\.\d+)$/.test(bare)) return null;
  const expression = parseExpression(bare);
  return expression && quantity(expression);
}

const quantity = (expression: Expression, unit: Unit | null = null, percent = false): Quantity => ({ type: 'quantity', expression, unit, percent });

/** A comma, except between thousands. */
const COMMA = /(?<!\d),|,(?!\d{3}(?!\d))/g;

const RELATION = /\\(?:le|ge|ne|approx|in|equiv)(?![a-z])|[=<>]/g;

/** `x = 5`, `y = 2x + 1`, `x \le 2` (which is an interval), `0 < x < 1`, `x \in S` (which is S). */
function readRelation(text: string, depth: number): Value | null {
  if (text.includes(',') && splitTop(text, COMMA)) return null;
  if (/\s(?:or|and)\s/.test(text)) return null;
  const split = splitTop(text, RELATION);
  if (!split) return null;
  const { parts, separators } = split;
  if (parts.some((part) => part === ''))
    return parts[0] === '' && separators.length === 1 && /=|approx/.test(separators[0] ?? '') ? read(parts[1] ?? '', depth + 1) : null;
  const operators = separators.map((sign) => (sign === '\\approx' || sign === '\\equiv' ? '=' : sign));
  const last = parts.at(-1) ?? '';
  if (operators[0] === '\\in' && parts.length === 2) return read(last, depth + 1);
  const interval = inequality(parts, operators, depth);
  if (interval) return interval;
  if (operators.every((operator) => operator === '=')) {
    // `x = 2 + 3 = 5` says that x is 5.
    return { type: 'relation', operator: '=', left: read(parts[0] ?? '', depth + 1), right: read(last, depth + 1) };
  }
  if (parts.length !== 2) return null;
  return { type: 'relation', operator: operators[0] ?? '', left: read(parts[0] ?? '', depth + 1), right: read(last, depth + 1) };
}

const INFINITY = quantity({ type: 'constant', name: 'infinity' });
const MINUS_INFINITY = quantity(operation('-', numberOf({ n: 0n, d: 1n }), { type: 'constant', name: 'infinity' }));

/** An inequality in one name as the interval it means. */
function inequality(parts: readonly string[], operators: readonly string[], depth: number): Value | null {
  const flip = (operator: string): string => ({ '<': '>', '>': '<', '\\le': '\\ge', '\\ge': '\\le' })[operator] ?? operator;
  const isName = (text: string): boolean => /^(?:[A-Za-z]|\\[a-z]+)(?:_\w)?$/.test(text) && text !== '\\infty' && text !== '\\pi';
  const below = (operator: string): boolean => operator === '<' || operator === '\\le';
  const above = (operator: string): boolean => operator === '>' || operator === '\\ge';
  const interval = (low: Value, high: Value, lowClosed: boolean, highClosed: boolean): Value => ({
    type: 'sequence',
    open: lowClosed ? '[' : '(',
    close: highClosed ? ']' : ')',
    items: [low, high],
  });
  const [a = '', b = '', c = ''] = parts;
  const [first = '', second = ''] = operators;
  if (parts.length === 2) {
    const operator = isName(a) ? first : flip(first);
    const bound = isName(a) ? b : a;
    if (isName(a) === isName(b) || !(below(operator) || above(operator))) return null;
    const value = read(bound, depth + 1);
    return below(operator) ? interval(MINUS_INFINITY, value, false, operator === '\\le') : interval(value, INFINITY, operator === '\\ge', false);
  }
  if (parts.length !== 3 || !isName(b)) return null;
  const [low, high] = [read(a, depth + 1), read(c, depth + 1)];
  if (below(first) && below(second)) return interval(low, high, first === '\\le', second === '\\le');
  if (above(first) && above(second)) return interval(high, low, second === '\\ge', first === '\\ge');
  return null;
}

function readUnion(text: string, depth: number): Value | null {
  const split = splitTop(text, /\\cup(?![a-z])|(?<=[)\]])\s*U\s*(?=[([])/g);
  if (!split || split.parts.some((part) => part === '')) return null;
  return { type: 'union', parts: split.parts.map((part) => read(part, depth + 1)) };
}

/** `3, 4`, `3; 4`, `3 and 4`, `x = 3 or x = -3`. Two inequalities joined by `or` are a union. */
function readList(text: string, depth: number): Value | null {
  const split = splitTop(text, /,\s*(?:and|or)\s+|(?<!\d),|,(?!\d{3}(?!\d))|;|\s(?:and|or)\s|\\(?:lor|vee)(?![a-z])/g);
  if (!split) return null;
  const items = split.parts.filter((part) => part !== '').map((part) => read(part, depth + 1));
  if (items.length === 0) return null;
  if (items.length === 1) return items[0] ?? null;
  const intervals = items.every((item) => item.type === 'sequence' && item.items.some((end) => end === INFINITY || end === MINUS_INFINITY));
  return intervals ? { type: 'union', parts: items } : { type: 'sequence', open: '', close: '', items: withSharedUnit(items) };
}

/** `3 and 4 cm`: the unit is everybody's. */
function withSharedUnit(items: readonly Value[]): readonly Value[] {
  const last = items.at(-1);
  if (last?.type !== 'quantity' || !last.unit) return items;
  return items.map((item) => (item.type === 'quantity' && !item.unit ? { ...item, unit: last.unit } : item));
}

function readBrackets(text: string, depth: number): Value | null {
  const matrix = /^\\begin\{[bpBvV]?(?:matrix|array)\}(?:\{[clr|]*\})?(.*)\\end\{[bpBvV]?(?:matrix|array)\}$/s.exec(text);
  if (matrix) return readMatrix(matrix[1] ?? '', depth);
  // A point may be named: `A(3, 4)`.
  const whole = enclosed(text.replace(/^[A-Z]\s*(?=\([^()]*,[^()]*\)$)/, ''));
  if (!whole) return null;
  const { open, close, inner } = whole;
  if (inner === '') return open === '{' ? words('empty set') : null;
  // `\{x | x > 2\}` is what its condition says.
  const builder = open === '{' ? /^(?:[A-Za-z](?:\s*\\in\s*\\mathbb\s*\{?R\}?)?)\s*[|:]\s*(.+)$/.exec(inner) : null;
  if (builder?.[1]) return read(builder[1], depth + 1);
  const list = splitTop(inner, /[,;]/g);
  if (!list) return open === '{' && close === '}' ? { type: 'sequence', open, close, items: [read(inner, depth + 1)] } : null;
  if (list.parts.some((part) => part === '')) return null;
  return { type: 'sequence', open, close, items: list.parts.map((part) => read(part, depth + 1)) };
}

/** A column or a row is a tuple; more is a tuple of rows. */
function readMatrix(body: string, depth: number): Value | null {
  const rows = body
    .split(/\\cr(?![a-z])/)
    .map((row) => row.trim())
    .filter(Boolean)
    .map((row) => row.split('&').map((cell) => read(cell.trim(), depth + 1)));
  const tuple = (items: readonly Value[]): Value => ({ type: 'sequence', open: '(', close: ')', items });
  if (rows.length === 0 || rows.length > 16) return null;
  if (rows.every((row) => row.length === 1)) return tuple(rows.flat());
  return rows.length === 1 ? tuple(rows[0] ?? []) : tuple(rows.map(tuple));
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

/** An expression with an optional unit after it, or money before it. */
function readQuantity(text: string): Value | null {
  const money = /^([+-]?)\s*([$€£¥₹])\s*(.+)$/.exec(text);
  if (money) {
    const value = readQuantity(`${money[1]}${money[3]}`);
    return value?.type === 'quantity' ? { ...value, unit: parseUnit(money[2] ?? '') } : null;
  }
  const percent = /^(.*?)\s*(?:%|\b(?:percent|per cent|percentage)\b)$/i.exec(text);
  if (percent) {
    const expression = parseExpression(grouped(percent[1] ?? ''));
    return expression && quantity(expression, null, true);
  }
  return compound(text) ?? withUnit(text) ?? plainExpression(text);
}

function plainExpression(text: string): Value | null {
  const expression = parseExpression(grouped(text));
  return expression && quantity(expression);
}

/** `12 345` -> `12345`, `1.2e3` is read by the parser, `3 x 4` by `x` between numbers is a product. */
const grouped = (text: string): string =>
  text.replace(/(?<![\d.])\d{1,3}(?: \d{3})+(?![\d])/g, (run) => run.replaceAll(' ', '')).replace(/(?<=\d)\s*[xX]\s*(?=\d)/g, '*');

const UNIT_START = /(?<=[\d)}\]!π\s°]|[\\](?:pi))\s*(?=[A-Za-z°$¢€£¥₹]|\\(?:mu|Omega|frac\{\s*[A-Za-z]))/g;

/** The longest value that leaves a unit: `5 km/h` is 5 with `km/h`, not `5 km` over h. */
function withUnit(typed: string): Quantity | null {
  const text = typed.replace(/(?<=[\d})°])\s*\(\s*([A-Za-z°]{2,12}(?:\^\{?\d\}?)?)\s*\)$/, ' $1');
  for (const match of text.matchAll(UNIT_START)) {
    const end = match.index + match[0].length;
    const head = text.slice(0, match.index).trim();
    const tail = text.slice(end);
    if (head === '' || /[\\^_{(+\-*/]$/.test(head) || /^(?:pi|sqrt|sin|cos|tan|log|ln|e\b)/.test(tail)) continue;
    const unit = parseUnit(tail);
    if (!unit || (unit.dimension === 'angle' && TRIGONOMETRIC.test(head)) || (unit.dimension.startsWith('~') && !isWords(tail))) continue;
    const expression = parseExpression(grouped(head));
    if (expression) return quantity(expression, unit);
  }
  return null;
}

/** The degrees in `\sin 30°` belong to the angle, not to the value. */
const TRIGONOMETRIC = /sin|cos|tan|cot|sec|csc/;

/** An unknown unit must look like a word: `12 apples`, not `12xy`. */
const isWords = (tail: string): boolean => /^[A-Za-z]{3,}(?:\s+[A-Za-z]{2,})*\.?$/.test(tail.trim());

/** `5 ft 3 in`, `1 hour 30 minutes`: parts of one dimension add up. */
function compound(text: string): Quantity | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([A-Za-z]+)\.?\s*(?:,|and)?\s*/gy)];
  if (parts.length < 2 || parts.length > 4 || parts.map((part) => part[0]).join('').length !== text.length) return null;
  const quantities = parts.map((part) => ({ expression: parseExpression(part[1] ?? ''), unit: parseUnit(part[2] ?? '') }));
  const dimension = quantities[0]?.unit?.dimension;
  if (!dimension || dimension.startsWith('~') || quantities.some(({ unit }) => unit?.dimension !== dimension)) return null;
  const base = quantities.reduce<Expression>(
    (sum, { expression, unit }) => (expression && unit ? operation('+', sum, operation('*', expression, numberOf(unit.factor))) : sum),
    numberOf({ n: 0n, d: 1n }),
  );
  return quantity(base, { factor: { n: 1n, d: 1n }, dimension, radians: false });
}
