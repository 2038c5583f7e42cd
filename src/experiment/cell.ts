/**
 * One training run of an experiment: a method, perhaps varied, with one seed. Its hash names it on disk, so that it is
 * never run twice.
 */
import { createHash } from 'node:crypto';
import { isPlain } from '../config/merge.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { Accuracy } from '../protocol/messages.ts';
import type { AccuracyPoint } from '../protocol/status.ts';

export interface Cell {
  readonly method: string;
  /** The variation as the tables show it: `G 4`; absent for the method itself. */
  readonly variation?: string;
  readonly seed: number;
  /** Trained and measured on data that the base's vote mostly gets wrong, instead of on the suites. */
  readonly onHardData?: true;
  /** On top of the method's own. */
  readonly config: ConfigInput;
}

export interface CellResult {
  readonly cell: Cell;
  readonly suites: Readonly<Record<string, Accuracy>>;
  /** Greedy accuracy on the loop's own held-out questions. */
  readonly history: readonly AccuracyPoint[];
  readonly steps: number;
  /** Responses sampled for training. */
  readonly samples: number;
  readonly seconds: number;
  /** Measuring on the suites; absent in results of an older version. */
  readonly measureSeconds?: number;
}

/** What every cell of an experiment has in common. */
export interface Common {
  /** Digest of the base model's weights. */
  readonly model: string;
  /** Questions asked, G samples each: the budget of a run. */
  readonly questions: number;
  /** Questions of each suite, and samples of each for maj@k and pass@k. */
  readonly suiteQuestions: number;
  readonly k: number;
}

/** @param methodConfig the settings of the method: a changed method runs again. */
export function cellHash(
  { method, seed, config, onHardData }: Cell,
  methodConfig: ConfigInput,
  common: Common,
): string {
  return digestOf({ method, methodConfig, seed, config, common, onHardData });
}

/** Names a run on disk by what decides its result. The order in which a setting was written does not matter. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);
}

export function cellName({ method, variation, seed, onHardData }: Cell): string {
  return `${method}${variation === undefined ? '' : ` (${variation})`}${onHardData === true ? ' on hard data' : ''}, seed ${seed}`;
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isPlain(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
