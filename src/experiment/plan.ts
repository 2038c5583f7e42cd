/**
 * The cells of `quorum experiment methods`: every method, and the variations of MM-UPT that show the effect of each
 * part.
 */
import { OBJECTIVES, objectiveSchema } from '../compute/objectives/registry.ts';
import type { ConfigInput } from '../config/schema.ts';
import { HARD_DATA } from '../data/suites.ts';
import type { Cell } from './cell.ts';
import { CHECKED, METHODS } from './methods.ts';

interface Variation {
  readonly name: string;
  readonly config: ConfigInput;
}

const stale = (maxStaleness: number, corrected: boolean): Variation => ({
  name: `staleness ${maxStaleness}${corrected ? ', corrected' : ''}`,
  config: { loop: { maxStaleness }, learner: { correction: corrected ? { type: 'truncated' } : { type: 'none' } } },
});

const objective = (type: string): Variation => ({
  name: `objective ${type}`,
  config: { learner: { objective: objectiveSchema.parse({ type }) } },
});

/** The other objectives with advantages; objectives without are separate methods (methods.ts). */
const OTHER_OBJECTIVES: readonly Variation[] = OBJECTIVES.filter(
  ({ name, followsAdvantages }) => followsAdvantages === true && name !== 'grpo',
).map(({ name }) => objective(name));

/** Each changes one thing. A variation of G keeps the number of samples: the questions of a step change with it. */
export const VARIATIONS: readonly Variation[] = [
  ...[4, 8, 16].map((samples) => ({
    name: `G ${samples}`,
    config: { sampling: { samples }, loop: { batchGroups: Math.round(320 / samples) } },
  })),
  ...[0.7, 1.3].map((temperature) => ({ name: `temperature ${temperature}`, config: { sampling: { temperature } } })),
  { name: 'no KL', config: { learner: { klCoefficient: 0 } } },
  { name: 'no share floor', config: { filters: { shareFloor: 0 } } },
  stale(0, false),
  ...[1, 4, 8].flatMap((s) => [stale(s, false), stale(s, true)]),
  stale(2, true),
  ...OTHER_OBJECTIVES,
];

/** On the ladder plain votes unlearn, so objectives are compared under checked ones. */
const ON_LADDER: readonly Variation[] = [
  { name: 'no curriculum', config: { curriculum: { mode: 'off' } } },
  ...OTHER_OBJECTIVES,
];

/** On data where the base's vote is mostly wrong: the vote's reward, the same without filters, and labels. */
const ON_HARD_DATA = (
  [
    { method: 'base', config: {} },
    { method: 'mm-upt', config: { data: HARD_DATA } },
    { method: 'mm-upt', variation: 'no share floor', config: { data: HARD_DATA, filters: { shareFloor: 0 } } },
    { method: 'supervised-grpo', config: { data: HARD_DATA } },
  ] satisfies readonly Omit<Cell, 'seed'>[]
).map((cell) => ({ ...cell, onHardData: true as const }));

export interface PlanOptions {
  /** Names of METHODS. */
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  /** Adds the variations of `mm-upt`, and hard data where it is of the same kind as the suites. */
  readonly ablations?: boolean;
  /** Adds those of the variations that change the objective. */
  readonly objectives?: boolean;
  readonly hardData?: boolean;
  /** The variations are those of checked votes. */
  readonly ladder?: boolean;
}

/** Seed after seed: stopped early, all methods have equally many. */
export function planOf({ methods, seeds, ablations, objectives, hardData, ladder }: PlanOptions): Cell[] {
  const own = METHODS.filter(({ name }) => methods.includes(name)).map(({ name }) => ({ method: name, config: {} }));
  const [method, some, every] =
    ladder === true ? [CHECKED, ON_LADDER, ON_LADDER] : ['mm-upt', OTHER_OBJECTIVES, VARIATIONS];
  const varied = ablations === true ? every : objectives === true ? some : [];
  const cells: readonly Omit<Cell, 'seed'>[] = [
    ...own,
    ...varied.map(({ name, config }) => ({ method, variation: name, config })),
    ...(ablations === true && hardData === true ? ON_HARD_DATA : []),
  ];
  return seeds.flatMap((seed) => cells.map((cell): Cell => ({ ...cell, seed })));
}
