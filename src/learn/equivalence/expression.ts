/** Expressions: a small tree of numbers, names, operations and calls. */
import type { Rational } from './rational.ts';

export type Constant = 'pi' | 'e' | 'i' | 'infinity';
export type Operator = '+' | '-' | '*' | '/' | '^';

export type Expression =
  /** `places`: digits after the point when written as a decimal, else 0. */
  | { readonly type: 'number'; readonly value: Rational; readonly places: number }
  | { readonly type: 'constant'; readonly name: Constant }
  | { readonly type: 'variable'; readonly name: string }
  | { readonly type: 'operation'; readonly operator: Operator; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | Bound;

/**
 * An operator that binds a name in its body: a sum or product from one number to another, an integral, a limit (`to` is
 * the side: 1, -1, or 0 for both).
 */
export interface Bound {
  readonly type: 'bound';
  readonly operator: 'sum' | 'prod' | 'lim' | 'int';
  readonly name: string;
  readonly from: Expression;
  readonly to: Expression;
  readonly body: Expression;
}

export const numberOf = (value: Rational, places = 0): Expression => ({ type: 'number', value, places });
export const operation = (operator: Operator, left: Expression, right: Expression): Expression => ({
  type: 'operation',
  operator,
  left,
  right,
});
export const call = (name: string, ...args: Expression[]): Expression => ({ type: 'call', name, args });
export const integer = (n: bigint): Expression => numberOf({ n, d: 1n });

export function isMinusOne(e: Expression): boolean {
  return (
    e.type === 'operation' &&
    e.operator === '-' &&
    e.left.type === 'number' &&
    e.right.type === 'number' &&
    e.left.value.n === 0n &&
    e.right.value.n === 1n &&
    e.right.value.d === 1n
  );
}

/** The names in it, repeated as they occur. */
export function variables(e: Expression): string[] {
  if (e.type === 'variable') return [e.name];
  if (e.type === 'bound')
    return [...variables(e.from), ...variables(e.to), ...variables(e.body).filter((name) => name !== e.name)];
  return parts(e).flatMap(variables);
}

export function substitute(e: Expression, name: string, by: Expression): Expression {
  const put = (part: Expression): Expression => substitute(part, name, by);
  switch (e.type) {
    case 'variable':
      return e.name === name ? by : e;
    case 'operation':
      return { ...e, left: put(e.left), right: put(e.right) };
    case 'call':
      return { ...e, args: e.args.map(put) };
    case 'bound':
      return { ...e, from: put(e.from), to: put(e.to), body: e.name === name ? e.body : put(e.body) };
    case 'number':
    case 'constant':
      return e;
    default:
      return e satisfies never;
  }
}

/** Its direct parts. */
export function parts(e: Expression): readonly Expression[] {
  if (e.type === 'operation') return [e.left, e.right];
  if (e.type === 'bound') return [e.from, e.to, e.body];
  return e.type === 'call' ? e.args : [];
}

export const mentions = (e: Expression, constant: Constant): boolean =>
  e.type === 'constant' ? e.name === constant : parts(e).some((part) => mentions(part, constant));

/** The letters of `ABC`, read as a product; null when it is anything else. */
export function productOf(e: Expression): string | null {
  if (e.type !== 'operation' || e.operator !== '*') return null;
  const [left, right] = [e.left, e.right].map((part) =>
    part.type === 'variable' || part.type === 'constant' ? part.name : productOf(part),
  );
  return left && right ? left + right : null;
}
