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
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] };

export const numberOf = (value: Rational, places = 0): Expression => ({ type: 'number', value, places });
export const operation = (operator: Operator, left: Expression, right: Expression): Expression => ({ type: 'operation', operator, left, right });
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
  if (e.type === 'operation') return [...variables(e.left), ...variables(e.right)];
  return e.type === 'call' ? e.args.flatMap(variables) : [];
}

export function substitute(e: Expression, name: string, by: Expression): Expression {
  if (e.type === 'variable') return e.name === name ? by : e;
  if (e.type === 'operation') return { ...e, left: substitute(e.left, name, by), right: substitute(e.right, name, by) };
  return e.type === 'call' ? { ...e, args: e.args.map((arg) => substitute(arg, name, by)) } : e;
}
