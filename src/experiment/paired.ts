/** Student's t-test on paired differences: both sides of a pair share seed, questions and budget. */
import { statistics } from './statistics.ts';

export interface Paired {
  readonly n: number;
  readonly mean: number;
  /** 95 % interval of the mean. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of the mean being 0. */
  readonly p: number;
}

const INTERVAL = 0.95;
/** The quantile of one degree of freedom is 12.7. */
const LARGEST = 100;
const HALVINGS = 60;

/** Null with fewer than two differences, which have no spread. */
export function paired(differences: readonly number[]): Paired | null {
  const n = differences.length;
  const { mean, deviation } = statistics(differences);
  if (deviation === null) return null;
  const error = deviation / Math.sqrt(n);
  const reach = error * quantile(n - 1);
  const p = error === 0 ? Number(mean === 0) : 1 - within(Math.abs(mean) / error, n - 1);
  return { n, mean, low: mean - reach, high: mean + reach, p };
}

/** t with `within(t, df) = INTERVAL`, by bisection. */
function quantile(df: number): number {
  let [low, high] = [0, LARGEST];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (within(middle, df) < INTERVAL) low = middle;
    else high = middle;
  }
  return high;
}

/** P(|T| <= t) for `df` degrees of freedom, a whole number (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
function within(t: number, df: number): number {
  const angle = Math.atan(t / Math.sqrt(df));
  const cosine = Math.cos(angle);
  const odd = df % 2;
  let sum = 0;
  let term = odd === 1 ? cosine : 1;
  for (let k = odd; k <= df - 2; k += 2) {
    sum += term;
    term *= (cosine ** 2 * (k + 1)) / (k + 2);
  }
  const series = Math.sin(angle) * sum;
  return odd === 1 ? (2 / Math.PI) * (angle + series) : series;
}
