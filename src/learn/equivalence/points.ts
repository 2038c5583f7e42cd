/** Points by name: `A(3, 4)`, `A'(3, 4)`, `P_1(3, 4)` mean the same as `A = (3, 4)`. */
import { parseExpression } from './parser.ts';
import type { Read } from './relation.ts';
import { enclosed, splitTop } from './split.ts';
import type { Value } from './value.ts';

const NAMED = /^([A-Z]'*(?:_(?:\{\w{1,3}\}|\w))?'*)\s*(\(.*\))$/s;

export function readPoint(text: string, depth: number, read: Read): Value | null {
  const [, name, place] = NAMED.exec(text) ?? [];
  const whole = place === undefined ? null : enclosed(place);
  if (name === undefined || place === undefined || whole?.open !== '(' || !splitTop(whole.inner, /[,;]/g)) return null;
  const point: Value = { type: 'relation', operator: '=', left: read(name, depth + 1), right: read(place, depth + 1) };
  // `C(10, 3)` may be a number of combinations.
  const count = /^[CP]$/.test(name) ? parseExpression(text) : null;
  return count
    ? { type: 'either', parts: [point, { type: 'quantity', expression: count, unit: null, percent: false }] }
    : point;
}
