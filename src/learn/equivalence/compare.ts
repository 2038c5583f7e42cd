/** Equality of values, given the equality of their expressions. */
import { sameQuantity } from './compare-quantity.ts';
import { sameRelation } from './compare-relation.ts';
import { sameDate } from './date.ts';
import { exact } from './evaluate.ts';
import { numberOf, operation, productOf, variables, type Expression } from './expression.ts';
import { sameFigure } from './figure.ts';
import type { Quantity, Sequence, Value } from './value.ts';

/** How expressions are compared: by exact arithmetic alone, or by every method. */
export interface Leaves {
  same(a: Expression, b: Expression): boolean;
  /** Whether `a = 0` and `b = 0` are the same equation: the sign of a / b if so, else 0. */
  sameZeros(a: Expression, b: Expression): number;
}

const HUNDRED = numberOf({ n: 100n, d: 1n });
/** Orderless matching tries every partner, so it is for short collections only. */
const MAX_UNORDERED = 32;

export function sameValue(a: Value, b: Value, leaves: Leaves): boolean {
  if (a.type === 'either') return a.parts.some((part) => sameValue(part, b, leaves));
  if (b.type === 'either') return b.parts.some((part) => sameValue(a, part, leaves));
  return directed(a, b, leaves) ?? directed(b, a, leaves) ?? false;
}

type Single = Exclude<Value, { type: 'either' }>;

/** The rules by the type of `a`; null when none applies to this `b`; the caller then tries the swapped pair. */
function directed(a: Single, b: Single, leaves: Leaves): boolean | null {
  switch (a.type) {
    case 'choice':
      return sameChoice(a, b, leaves);
    case 'relation':
      return sameRelation(a, b, leaves, (x, y) => sameValue(x, y, leaves));
    case 'sequence':
      return sameSequence(a, b, leaves);
    case 'union':
      return sameUnion(a.parts, b, leaves);
    case 'ratio':
      return sameRatio(a.parts, b, leaves);
    case 'directed':
      return b.type === 'directed'
        ? a.way === b.way && sameValue(a.amount, b.amount, leaves)
        : b.type === 'quantity' && sameValue(a.amount, b, leaves);
    case 'range':
      if (b.type === 'range') return a.ends.every((end, i) => sameValue(end, b.ends[i] ?? end, leaves));
      return a.ratio ? sameRatio(a.ends, b, leaves) : null;
    case 'time':
      return sameTime(a, b, leaves);
    case 'date':
      return b.type === 'date' ? sameDate(a.iso, b.iso) : null;
    case 'written':
      return b.type === 'written' && a.text === b.text;
    case 'figure':
      return sameFigure(a, b);
    case 'words':
      return b.type === 'words' || b.type === 'quantity'
        ? a.text.replaceAll(' ', '') === lettersOf(b)?.toLowerCase()
        : null;
    case 'quantity':
      return b.type === 'quantity' ? sameQuantity(a, b, leaves) : null;
    default:
      return a satisfies never;
  }
}

/** `B. 45` equals `B`, `45` and `B) 45`; where both have a letter the letters decide. */
function sameChoice(a: Extract<Value, { type: 'choice' }>, b: Value, leaves: Leaves): boolean {
  if (b.type === 'choice') return a.letter === b.letter;
  if (b.type === 'figure') return sameFigure(b, a) ?? false;
  if (a.rest) return sameValue(a.rest, b, leaves);
  const { expression } = b.type === 'quantity' ? b : { expression: null };
  // `e` is also a constant.
  return (
    (expression?.type === 'variable' || expression?.type === 'constant') && expression.name.toUpperCase() === a.letter
  );
}

/**
 * A set has no order; a bare list (`3, 4`) equals a set, a tuple or a list of the same members, and another bare list
 * in any order.
 */
function sameSequence(a: Sequence, b: Value, leaves: Leaves): boolean | null {
  if (b.type === 'union') return null;
  const typed = isBareChoices(a) ? lettersOf(b) : null;
  if (typed !== null) {
    const letters = a.items.map((item) => (item.type === 'choice' ? item.letter : ''));
    return letters.sort().join('') === [...typed.toUpperCase()].sort().join('');
  }
  if (b.type === 'quantity' && a.open === '(' && variables(b.expression).length > 0) return sameVector(a, b, leaves);
  if (b.type !== 'sequence')
    return a.items.length === 1 && a.items[0]
      ? !isEmptySet(a.items[0]) && sameValue(a.items[0], b, leaves)
      : b.type === 'words'
        ? isWholeLine(a) && b.text === 'all real numbers'
        : null;
  const isSet = (s: Sequence): boolean => s.open === '{';
  // `\{(1, 2)\}` equals its only member.
  const [only, other] = isSet(a) ? [a, b] : [b, a];
  const [member] = only.items;
  if (isSet(only) && !isSet(other) && only.items.length === 1 && member?.type === 'sequence')
    return sameValue(member, other, leaves);
  const isBare = (s: Sequence): boolean => s.open === '';
  if (a.items.length !== b.items.length)
    return (isSet(a) || isSet(b) || (isPoints(a) && isPoints(b))) && sameMembers(a.items, b.items, leaves);
  if ((isSet(a) || isBare(a)) && (isSet(b) || isBare(b))) return sameUnordered(a.items, b.items, leaves);
  if (isSet(a) || isSet(b)) return false;
  // `(3, 4]` can only be an interval.
  if ((isBare(a) && isHalfOpen(b)) || (isBare(b) && isHalfOpen(a))) return false;
  const interval = a.items.length === 2 && !isBare(a) && !isBare(b) && a.items[0]?.type !== 'sequence';
  if (interval && ends(a) !== ends(b)) return false;
  return a.items.every((item, i) => sameValue(item, b.items[i] ?? item, leaves));
}

/** The set of the empty set is not empty. */
const isEmptySet = (value: Value): boolean => value.type === 'words' && value.text === 'empty set';

const isHalfOpen = ({ open, close }: Sequence): boolean =>
  (open === '(' && close === ']') || (open === '[' && close === ')');

/** `(2, 3), (5, 6)` may be two intervals. */
function sameUnion(parts: readonly Value[], b: Value, leaves: Leaves): boolean | null {
  if (b.type === 'union') return sameUnordered(parts, b.parts, leaves);
  return b.type === 'sequence' && isPoints(b) ? sameUnordered(parts, b.items, leaves) : null;
}

/** `3i + 4j` is `(3, 4)`. */
function sameVector({ items }: Sequence, b: Quantity, leaves: Leaves): boolean {
  const axes: readonly Expression[] = [
    { type: 'constant', name: 'i' },
    { type: 'variable', name: 'j' },
    { type: 'variable', name: 'k' },
  ];
  if (items.length > axes.length || variables(b.expression).some((name) => name !== 'j' && name !== 'k')) return false;
  const sum = items
    .map((item, i) => operation('*', expressionOf(item), axes[i] ?? HUNDRED))
    .reduce((left, right) => operation('+', left, right));
  return leaves.same(sum, b.expression);
}

/** `A, C`, which may also be written `AC`. */
const isBareChoices = (s: Sequence): boolean =>
  s.open === '' && s.items.every((item) => item.type === 'choice' && item.rest === null);

/** The letters of `AC`, which is read as words or as a product. */
function lettersOf(value: Value): string | null {
  if (value.type === 'words') return value.text.replaceAll(' ', '');
  return value.type === 'quantity' ? productOf(value.expression) : null;
}

/** A bare list of points is a set of solutions, in which duplicates count once. */
const isPoints = (s: Sequence): boolean => s.open === '' && s.items.every((item) => item.type === 'sequence');

/** Sets whose members are repeated. */
function sameMembers(a: readonly Value[], b: readonly Value[], leaves: Leaves): boolean {
  if (a.length > MAX_UNORDERED || b.length > MAX_UNORDERED) return false;
  const within = (list: readonly Value[], item: Value): boolean => list.some((other) => sameValue(item, other, leaves));
  return a.every((item) => within(b, item)) && b.every((item) => within(a, item));
}

function isWholeLine(s: Sequence): boolean {
  return s.items.length === 2 && ends(s) === '()' && s.items.every(isInfinite);
}

/** The brackets; at infinity it does not matter which. */
function ends({ open, close, items: [low, high] }: Sequence): string {
  return (isInfinite(low) && open === '[' ? '(' : open) + (isInfinite(high) && close === ']' ? ')' : close);
}

function isInfinite(v: Value | undefined): boolean {
  if (v?.type !== 'quantity') return false;
  const e = v.expression.type === 'operation' && v.expression.operator === '-' ? v.expression.right : v.expression;
  return e.type === 'constant' && e.name === 'infinity';
}

function sameUnordered(a: readonly Value[], b: readonly Value[], leaves: Leaves): boolean {
  if (a.length !== b.length || a.length > MAX_UNORDERED) return false;
  const left = [...b];
  return a.every((item) => {
    const partner = left.findIndex((other) => sameValue(item, other, leaves));
    if (partner < 0) return false;
    left.splice(partner, 1);
    return true;
  });
}

/** `1:2` = `2:4` = `1/2`: ratios are equal when cross products are. */
function sameRatio(parts: readonly Value[], b: Value, leaves: Leaves): boolean | null {
  const a = parts.map(expressionOf);
  if (b.type === 'quantity')
    return a.length === 2 && leaves.same(operation('/', a[0] ?? HUNDRED, a[1] ?? HUNDRED), b.expression);
  if (b.type === 'time' || b.type === 'relation' || b.type === 'range') return null;
  if (b.type !== 'ratio') return false;
  const other = b.parts.map(expressionOf);
  if (other.length !== a.length) return false;
  // Both may be times of day, where `2:30` and `3:45` differ.
  if (isClock(a) && isClock(other)) return a.every((part, i) => leaves.same(part, other[i] ?? part));
  return a.every((part, i) =>
    leaves.same(operation('*', part, other[0] ?? part), operation('*', a[0] ?? part, other[i] ?? part)),
  );
}

/** Two whole numbers that can be an hour and its minutes, of two digits. */
function isClock(parts: readonly Expression[]): boolean {
  const [hour = -1, minute = -1] = parts.map((part) => {
    const value = exact(part);
    return value?.d === 1n ? Number(value.n) : -1;
  });
  return parts.length === 2 && hour >= 0 && hour <= 24 && minute >= 10 && minute < 60;
}

const expressionOf = (value: Value): Expression =>
  value.type === 'quantity' ? value.expression : numberOf({ n: 0n, d: 1n });

/** `3 pm` = `15:00`; a time without am or pm equals both, and `3 o'clock` equals `3`. */
function sameTime(a: Extract<Value, { type: 'time' }>, b: Value, leaves: Leaves): boolean | null {
  if (b.type === 'time') {
    // `14:00` is pm even without the letters; `2:00` may be either.
    const isPlain = (t: typeof a): boolean => t.meridiem === null && t.minutes >= 60 && t.minutes < 780;
    return isPlain(a) || isPlain(b) ? a.minutes % 720 === b.minutes % 720 : a.minutes % 1440 === b.minutes % 1440;
  }
  const whole = (minutes: number): Expression => numberOf({ n: BigInt(minutes), d: 1n });
  if (b.type === 'quantity')
    return a.minutes % 60 === 0 && leaves.same(whole(((a.minutes / 60 + 11) % 12) + 1), b.expression);
  if (b.type !== 'ratio' || b.parts.length !== 2) return null;
  const [hour = HUNDRED, minute = HUNDRED] = b.parts.map(expressionOf);
  const stated = operation('+', operation('*', hour, whole(60)), minute);
  return leaves.same(stated, whole(a.minutes)) || leaves.same(stated, whole(a.minutes % 720));
}
