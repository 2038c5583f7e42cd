/**
 * The orderings that the paper reports (MM-UPT, arXiv 2505.22453, table 1), and two of checked votes: whether a table
 * shows them.
 */
import { CHECKED } from './methods.ts';
import { paired, type Paired } from './paired.ts';
import { AVERAGE, percent, type Row } from './statistics.ts';

/** On the greedy accuracy averaged over suites. */
export interface Expectation {
  readonly text: string;
  /** By the means over seeds; null when a method that it needs was not run. */
  readonly held: boolean | null;
  readonly detail: string;
  /** Over the seeds that both methods have; null with fewer than two. */
  readonly difference: Paired | null;
  /** Whether the difference's interval holds the bound of the claim, so that other seeds may decide otherwise. */
  readonly withinNoise: boolean;
}

export interface Tables {
  readonly rows: readonly Row[];
  readonly expectations: readonly Expectation[];
}

interface Claim {
  readonly text: string;
  readonly left: string;
  readonly right: string;
  /** The least difference; 0 is strict: equality is not a win. */
  readonly least: number;
}

const MARGIN = 0.015;
const GAIN = 0.2;

const CLAIMS: readonly Claim[] = [
  {
    text: 'MM-UPT is at most 1.5 points below supervised GRPO',
    left: 'mm-upt',
    right: 'supervised-grpo',
    least: -MARGIN,
  },
  ...['lmsi', 'srlm', 'genixer', 'stic'].map((other) => ({
    text: `MM-UPT is above ${other}`,
    left: 'mm-upt',
    right: other,
    least: 0,
  })),
  ...['mm-upt+in-context', 'mm-upt+direct'].map((other) => ({
    text: `${other} is at most 1.5 points below MM-UPT`,
    left: other,
    right: 'mm-upt',
    least: -MARGIN,
  })),
  { text: 'MM-UPT with checked votes is above MM-UPT', left: CHECKED, right: 'mm-upt', least: 0 },
  {
    text: 'MM-UPT with checked votes is at most 2 points below supervised GRPO',
    left: CHECKED,
    right: 'supervised-grpo',
    least: -0.02,
  },
  { text: 'MM-UPT is at least 20 points above the base', left: 'mm-upt', right: 'base', least: GAIN },
];

export function expectations(rows: readonly Row[]): Expectation[] {
  const of = (method: string) => rows.find((row) => row.method === method && row.variation === null && !row.onHardData);
  return CLAIMS.map((claim) => judged(claim, of(claim.left), of(claim.right)));
}

function judged({ text, left, right, least }: Claim, a: Row | undefined, b: Row | undefined): Expectation {
  if (a === undefined || b === undefined) {
    const detail = `${a === undefined ? left : right} was not run`;
    return { text, held: null, detail, difference: null, withinNoise: false };
  }
  const [above, below] = [a, b].map(({ suites }) => suites[AVERAGE]!.greedy.mean) as [number, number];
  const difference = paired(
    a.bySeed.flatMap(({ seed, greedy }) => {
      const other = b.bySeed.find((each) => each.seed === seed);
      return other === undefined ? [] : [greedy - other.greedy];
    }),
  );
  return {
    text,
    held: least === 0 ? above > below : above - below >= least,
    detail: `${percent(above)} against ${percent(below)}`,
    difference,
    withinNoise: difference !== null && difference.low <= least && least <= difference.high,
  };
}

/** `MM-UPT is above lmsi: held (90.5 against 88.0; +2.5, 95 % interval 1.0 to 4.0, p 0.02, 3 seeds)` */
export function expectationWords({ text, held, detail, difference, withinNoise }: Expectation): string {
  const verdict = held === null ? 'not tested' : held ? 'held' : 'NOT HELD';
  return `${verdict}${withinNoise ? ', within noise' : ''}: ${text} (${detail}${difference === null ? '' : `; ${pairedWords(difference)}`})`;
}

function pairedWords({ n, mean, low, high, p }: Paired): string {
  const sign = mean >= 0 ? '+' : '';
  return `${sign}${percent(mean)}, 95 % interval ${percent(low)} to ${percent(high)}, p ${p < 0.001 ? '< 0.001' : p.toFixed(3)}, ${n} seeds`;
}
