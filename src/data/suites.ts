/**
 * Held-out suites that differ in kind, like the paper's four benchmarks: a gain on one need not appear on another.
 * Their pictures are in no other pool, so that neither training nor the choice of the best version has seen them.
 */
import type { LabelledDataset } from './dataset.ts';
import type { FigureSettings } from './settings.ts';
import { openFigures, type FiguresOptions } from './figures/dataset.ts';
import { openLadder } from './figures/ladder/dataset.ts';

export interface Suite extends LabelledDataset {
  readonly name: SuiteName;
}

const SUITES = {
  geometry: { kinds: ['rectangle', 'triangle'] },
  charts: { kinds: ['bars'] },
  counting: { kinds: ['grid'] },
  clocks: { kinds: ['clock'] },
  /** All kinds, drawn with more jitter and noise than any training picture. */
  hard: { rendering: 'hard' },
} as const satisfies Record<string, Partial<FiguresOptions>>;

/**
 * Training data on which voting must fail, as the paper's does on ThinkLite-11K: of 60 pictures of each kind drawn so,
 * the bundled model's majority of 10 was right on 18 % of the rectangles and 20 % of the triangles.
 */
export const HARD_DATA = {
  type: 'figures',
  rendering: 'harsh',
  kinds: ['rectangle', 'triangle'],
} satisfies Partial<FigureSettings>;

export type SuiteName = keyof typeof SUITES;
export const SUITE_NAMES = Object.keys(SUITES) as readonly SuiteName[];

/** The data set options of a suite of `n` pictures, one question each. */
export function suiteOptions(name: SuiteName, seed: number, n: number): FiguresOptions {
  return { pool: 'suite', seed, pictures: n, questions: 'one', ...SUITES[name] };
}

/** A suite of `n` pictures, one question each, or as many of the ladder, which has levels. */
export function openSuite(name: SuiteName | 'ladder', seed: number, n: number): LabelledDataset {
  return name === 'ladder'
    ? openLadder({ pool: 'suite', pictures: n, seed })
    : openFigures(suiteOptions(name, seed, n));
}

/** All suites, `n` questions each. */
export function suites(seed: number, n: number): Suite[] {
  return SUITE_NAMES.map((name) => ({ name, ...openFigures(suiteOptions(name, seed, n)) }));
}
