/** `x = 5`, `f(x) = 2x`, `\sin A = 3/5`, `AB : CD = 1 : 2`: a name and its definition. */
import { variables, type Expression } from './expression.ts';
import { TRIGONOMETRIC } from './names.ts';
import type { Relation, Value } from './value.ts';

export interface Definition {
  readonly name: Value;
  readonly value: Value;
}

export function definition(relation: Relation): Definition | null {
  if (relation.operator !== '=') return null;
  if (isName(relation.left)) return { name: relation.left, value: relation.right };
  return isName(relation.right) ? { name: relation.right, value: relation.left } : null;
}

/** A name: a letter, words, or a term such as `f(x)` or `\angle A`. */
export function isName(value: Value): boolean {
  if (['words', 'written', 'choice', 'figure'].includes(value.type)) return true;
  if (value.type === 'sequence') return value.open === '(' && value.items.every(isName);
  if (value.type === 'ratio') return value.parts.every(isName);
  return value.type === 'quantity' && isApplication(value.expression);
}

/**
 * `f(x)`, `AB` and `dy/dx` are read as products of letters; `\sin A` and the length `|AB|` are measures of the named
 * thing.
 */
function isApplication(e: Expression): boolean {
  if (e.type === 'operation')
    return (e.operator === '*' || e.operator === '/') && isApplication(e.left) && isApplication(e.right);
  if (e.type === 'call')
    return e.args.every(
      (arg) => (TRIGONOMETRIC.has(e.name) || arg.type === 'operation') && NAMED.has(e.name) && isApplication(arg),
    );
  return e.type === 'variable';
}

const NAMED = new Set([...TRIGONOMETRIC, 'abs']);

/**
 * `y = 2x` and `f(x) = 2x` define one function: `y` and the letter before the bracket are only its name. `y' = 2x` and
 * `f'(x) = 2x` also define one function, but a different one: returns the number of primes, and -1 when no function is
 * defined.
 */
export function orderOf({ name, value }: Definition): number {
  if (name.type !== 'quantity' || value.type !== 'quantity') return -1;
  const inside = variables(value.expression);
  const { expression: called } = name;
  if (called.type === 'variable') return /^y'*$/.test(called.name) && inside.length > 0 ? primes(called.name) : -1;
  const applied =
    called.type === 'operation' &&
    called.operator === '*' &&
    called.left.type === 'variable' &&
    called.right.type === 'variable';
  return applied && inside.includes(variables(called.right)[0] ?? '') ? primes(variables(called.left)[0] ?? '') : -1;
}

const primes = (name: string): number => name.split("'").length - 1;
