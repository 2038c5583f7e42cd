/** The names that expressions may use, as LaTeX commands or plain words. */
import type { Constant } from './expression.ts';

/** Called with one argument; longest first, so that `arcsin` is not read as `a r c sin`. */
export const FUNCTIONS =
  'arcsin arccos arctan asin acos atan sinh cosh tanh sqrt cbrt sin cos tan cot sec csc log exp abs sgn ln lg'.split(
    ' ',
  );
export const TRIGONOMETRIC = new Set(['sin', 'cos', 'tan', 'cot', 'sec', 'csc']);
export const INVERSE = new Map<string, string>(Object.entries({ sin: 'arcsin', cos: 'arccos', tan: 'arctan' }));
export const ALIASES = new Map<string, string>(
  Object.entries({ asin: 'arcsin', acos: 'arccos', atan: 'arctan', log: 'lg' }),
);
export const CONSTANTS = new Map<string, Constant>(
  Object.entries({ pi: 'pi', infty: 'infinity', infinity: 'infinity', inf: 'infinity' }),
);
const GREEK =
  'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi psi omega'.split(
    ' ',
  );
export const GREEK_NAMES = new Set(GREEK.flatMap((name) => [name, (name[0] ?? '').toUpperCase() + name.slice(1)]));
export const PLAIN_NAMES = [...FUNCTIONS, 'infinity', 'infty', 'pi', ...GREEK.filter((name) => name.length > 2)].sort(
  (a, b) => b.length - a.length,
);
