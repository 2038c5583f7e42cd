/**
 * Reads operators of several arguments (`\gcd(12, 18)`) and those that bind a name: sums, products, limits, integrals,
 * derivatives.
 */
import { call, integer, operation, substitute, variables, type Bound, type Expression } from './expression.ts';
import { NotAnExpression } from './scanner.ts';

/** The parser's methods that operators use. */
export interface Operands {
  take(pattern: RegExp, spaces?: boolean): string | undefined;
  expect(token: string): void;
  argument(): Expression;
  /** Up to the next plus or minus. */
  product(): Expression;
  /** Between brackets and with commas between. */
  list(close: string): readonly Expression[];
  /** Parses a separate text in which the name is a variable, even `i` and `e`. */
  inner(text: string, name?: string): Expression;
  /** Reads on with the name bound. */
  within(name: string, read: () => Expression): Expression;
}

const COUNTS = new Map(Object.entries({ C: 'binomial', P: 'permutations' }));
const PAIRS = new Map(
  Object.entries({ binom: 'binomial', dbinom: 'binomial', tbinom: 'binomial', perm: 'permutations' }),
);
const LISTS = new Map(Object.entries({ gcd: 'gcd', hcf: 'gcd', gcf: 'gcd', lcm: 'lcm', max: 'max', min: 'min' }));
/** These words are names of functions only before a bracket. */
export const LIST_NAME = /(?:gcd|hcf|gcf|lcm|max|min|GCD|HCF|GCF|LCM)(?=\s*(?:\(|\\?\{))/y;

/** Null when no operator has the name. */
export function readOperator(name: string, p: Operands): Expression | null {
  const pair = PAIRS.get(name);
  if (pair !== undefined) return call(pair, p.argument(), p.argument());
  const count = COUNTS.get(name);
  if (count !== undefined && p.take(/\(/y) !== undefined) return call(count, ...p.list(')'));
  const list = LISTS.get(name.toLowerCase());
  if (list !== undefined)
    return call(list, ...p.list(p.take(/\(/y) === undefined ? (p.take(/\\?\{/y)?.replace('{', '}') ?? '\0') : ')'));
  switch (name) {
    case 'sum':
    case 'prod':
      return series(name, p);
    case 'lim':
      return limit(p);
    case 'int':
      return integral(p);
    default:
      return null;
  }
}

/** Braces in braces, once. */
const SUBSCRIPT = /_\s*\{(?:[^{}]|\{[^{}]*\})*\}/y;

function series(operator: 'sum' | 'prod', p: Operands): Expression {
  const [, name, from] = /^_\s*\{\s*([A-Za-z])\s*=\s*(.*)\}$/s.exec(p.take(SUBSCRIPT) ?? '') ?? [];
  if (name === undefined || from === undefined) throw new NotAnExpression();
  p.expect('^');
  const to = end(p);
  return bound(
    operator,
    name,
    p.inner(from),
    to,
    p.within(name, () => p.product()),
  );
}

/** `^10` is 10 here, not TeX's 1. */
function end(p: Operands): Expression {
  const digits = p.take(/\d+/y);
  return digits === undefined ? p.argument() : integer(BigInt(digits));
}

const SIDES = new Map(Object.entries({ '+': 1n, '-': -1n }));

/** `\lim_{x \to 0^+}`; the side is the second end. */
function limit(p: Operands): Expression {
  const subscript = p.take(SUBSCRIPT) ?? '';
  const [, name, point, side] =
    /^_\s*\{\s*([A-Za-z])\s*(?:\\to|\\rightarrow|\\longrightarrow|->)\s*(.*?)\s*(?:\^\s*\{?\s*([+-])\s*\}?\s*)?\}$/s.exec(
      subscript,
    ) ?? [];
  if (name === undefined || point === undefined) throw new NotAnExpression();
  return bound(
    'lim',
    name,
    p.inner(point),
    integer(SIDES.get(side ?? '') ?? 0n),
    p.within(name, () => p.product()),
  );
}

/** `\int_0^1 x^2 dx`: what is before the `d`. */
function integral(p: Operands): Expression {
  p.expect('_');
  const from = end(p);
  p.expect('^');
  const to = end(p);
  const [, body = '', name] =
    /^(.*)d\s*([a-z])$/s.exec(p.take(/.*?(?<!\\[A-Za-z]*)d\s*[a-z](?![A-Za-z])/y) ?? '') ?? [];
  if (name === undefined) throw new NotAnExpression();
  return bound('int', name, from, to, body.trim() === '' ? integer(1n) : p.inner(body, name));
}

const STEP = 'h of a derivative';

/** `\frac{d}{dx} f` for an `f` of `x` alone: the limit of its symmetric difference. */
export function derivative(name: string, body: Expression): Expression {
  if (variables(body).some((other) => other !== name)) throw new NotAnExpression();
  const [x, h]: Expression[] = [name, STEP].map((of) => ({ type: 'variable', name: of }));
  if (!x || !h) throw new NotAnExpression();
  const rise = operation(
    '-',
    substitute(body, name, operation('+', x, h)),
    substitute(body, name, operation('-', x, h)),
  );
  return bound('lim', STEP, integer(0n), integer(0n), operation('/', rise, operation('*', integer(2n), h)));
}

const bound = (
  operator: Bound['operator'],
  name: string,
  from: Expression,
  to: Expression,
  body: Expression,
): Bound => ({
  type: 'bound',
  operator,
  name,
  from,
  to,
  body,
});
