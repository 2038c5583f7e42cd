/** Equality of equations, inequalities and relations of figures. */
import type { Leaves } from './compare.ts';
import { definition, orderOf } from './definition.ts';
import { exact } from './evaluate.ts';
import { operation, type Expression } from './expression.ts';
import { turned } from './inequality.ts';
import type { Relation, Value } from './value.ts';

/** The comparison of the values on their sides. */
type Same = (a: Value, b: Value) => boolean;

/**
 * `x = 5` equals `5` and `5 = x`, and `y = 5` not at all. Equations that define nothing are equal when one is a
 * multiple of the other.
 */
export function sameRelation(a: Relation, b: Value, leaves: Leaves, same: Same): boolean | null {
  const x = definition(a);
  if (b.type !== 'relation') {
    // `2 + 3 = 5` and `3-1 = 2` state 5 and 2.
    const value =
      x?.value ?? ((isNumber(a.left) || a.left.type === 'range') && isNumber(a.right) ? a.right : undefined);
    return value !== undefined && same(value, b);
  }
  const y = definition(b);
  const order = x ? orderOf(x) : -1;
  if (x && y && ((order >= 0 && order === orderOf(y)) || sameName(x.name, y.name, same))) return same(x.value, y.value);
  const sameWay = a.operator === b.operator;
  if (sameWay && same(a.left, b.left) && same(a.right, b.right)) return true;
  if (a.operator === turned(b.operator) && same(a.left, b.right) && same(a.right, b.left)) return true;
  if (GEOMETRIC.has(a.operator)) return sameWay && samePoints(a, b);
  if (isNumber(a.left) && isNumber(b.left)) return false;
  const p = difference(a);
  const q = difference(b);
  if (!p || !q || !(sameWay || a.operator === turned(b.operator))) return false;
  const sign = leaves.sameZeros(p, q);
  return turned(a.operator) === a.operator ? sign !== 0 : sign === (sameWay ? 1 : -1);
}

const GEOMETRIC = new Set(['\\perp', '\\parallel', '\\congruent', '\\similar']);

/** `\triangle ABC \sim \triangle DEF` pairs A with D, B with E, C with F, in whatever order. */
function samePoints(a: Relation, b: Relation): boolean {
  const [x, y, turnedOver] = [pairs(a.left, a.right), pairs(b.left, b.right), pairs(b.right, b.left)];
  return x !== null && (x === y || x === turnedOver);
}

function pairs(left: Value, right: Value): string | null {
  const [a, b] = [corners(left), corners(right)];
  if (!a || a.length < 3 || a.length !== b?.length) return null;
  return a
    .map((corner, i) => `${corner}-${b[i]}`)
    .sort()
    .join(' ');
}

function corners(value: Value): readonly string[] | null {
  if (value.type === 'figure') return value.kind === 'triangle' ? value.points : null;
  return value.type === 'words' && /^[a-z]{3,5}$/.test(value.text) ? [...value.text.toUpperCase()] : null;
}

/** An angle or a segment is named from either end: `\angle BAC` is `\angle CAB`. */
function sameName(a: Value, b: Value, same: Same): boolean {
  if (a.type === 'words' && b.type === 'words' && a.text.length <= 3 && a.text === [...b.text].toReversed().join(''))
    return true;
  // `x_1` and `x_2` are names for solutions of `x`.
  const [x, y] = [letterOf(a), letterOf(b)];
  if (x && y && x.includes('_') !== y.includes('_'))
    return /^(.+?)(?:_\d)?$/.exec(x)?.[1] === /^(.+?)(?:_\d)?$/.exec(y)?.[1];
  return same(a, b);
}

const letterOf = (value: Value): string | null =>
  value.type === 'quantity' && value.expression.type === 'variable' ? value.expression.name : null;

const isNumber = (value: Value): boolean => value.type === 'quantity' && exact(value.expression) !== null;

function difference({ left, right }: Relation): Expression | null {
  if (left.type !== 'quantity' || right.type !== 'quantity') return null;
  return operation('-', left.expression, right.expression);
}
