/** Functions of whole numbers, exactly. */
import { gcd, rational, type Rational } from './rational.ts';

const LARGEST = 10n ** 30n;
const LARGEST_FACTORIAL = 170n;

/** Null for another function, and for arguments that are not whole or too large. */
export function wholeCall(name: string, args: readonly Rational[]): Rational | null {
  const numbers = args.map(({ n, d }) => (d === 1n ? n : null));
  const whole = numbers.flatMap((n) => n ?? []);
  const [a = 0n, b = 0n] = whole;
  if (whole.length !== args.length || whole.length === 0 || whole.some((n) => absolute(n) > LARGEST)) return null;
  switch (name) {
    case 'factorial':
      return a >= 0n && a <= LARGEST_FACTORIAL ? rational(falling(a, a)) : null;
    case 'doublefactorial':
      return a >= 0n && a <= LARGEST_FACTORIAL ? rational(doubled(a)) : null;
    case 'permutations':
      return a >= 0n && b >= 0n && b <= LARGEST_FACTORIAL ? rational(falling(a, b)) : null;
    case 'binomial':
      return a >= 0n && b >= 0n && b <= LARGEST_FACTORIAL ? rational(falling(a, b), falling(b, b)) : null;
    case 'gcd':
      return rational(whole.reduce(gcd, 0n));
    case 'lcm':
      return whole.includes(0n) ? null : rational(whole.reduce((x, y) => absolute(x * y) / gcd(x, y)));
    case 'mod':
      return b > 0n ? rational(((a % b) + b) % b) : null;
    default:
      return null;
  }
}

/** The largest or the least; these need not be whole. */
export function extreme(name: string, args: readonly Rational[]): Rational | null {
  if (name !== 'max' && name !== 'min') return null;
  return args.reduce((x, y) => (x.n * y.d > y.n * x.d === (name === 'max') ? x : y));
}

/** n (n - 1) ... with k factors. */
function falling(n: bigint, k: bigint): bigint {
  let product = 1n;
  for (let i = 0n; i < k; i++) product *= n - i;
  return product;
}

function doubled(n: bigint): bigint {
  let product = 1n;
  for (let i = n; i > 1n; i -= 2n) product *= i;
  return product;
}

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);
