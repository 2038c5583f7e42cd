/**
 * The charts of the page Now and the history's columns that each shows. A chart without any of its columns is left out.
 */
import { bytes, number, percent } from '../format.ts';
import type { Series } from './plot.ts';

export interface Metric {
  readonly title: string;
  readonly series: readonly Series[];
  readonly format: (value: number | null) => string;
  readonly axis?: (value: number) => string;
  readonly include?: readonly number[];
  /** Twice as wide where there is room, for many series. */
  readonly wide?: boolean;
}

const percentAxis = (value: number) => `${Math.round(value * 10_000) / 100} %`;
const line = (column: string, label: string, colour = 1): Series => ({ column, label, colour: `--series-${colour}` });

export const ACCURACY: Metric = {
  title: 'Held-out accuracy',
  series: [
    { ...line('greedy', 'greedy'), points: true },
    { ...line('pass1', 'pass@1', 5), points: true },
    { ...line('majK', 'maj@k', 2), points: true },
    { ...line('passK', 'pass@k', 3), points: true },
  ],
  format: (value) => percent(value),
  axis: percentAxis,
};

/** Replaces accuracy if the data has no labels (docs/without-labels.md). */
export const WITHOUT_LABELS: Metric = {
  title: 'Held-out answers, without labels',
  series: [
    { ...line('heldOut.asBase', 'as the base', 1), points: true },
    { ...line('heldOut.asTrusted', 'as the last trusted', 3), points: true },
    { ...line('heldOut.voteShare', 'vote share', 2), points: true },
    { ...line('heldOut.answered', 'with an answer', 5), points: true },
    { ...line('guardian.origin', 'sure canaries as the base', 4), points: true },
    { ...line('guardian.agreement', 'sure canaries as the last trusted', 6), points: true },
  ],
  format: (value) => percent(value),
  axis: percentAxis,
};

export const METRICS: readonly Metric[] = [
  { title: 'Vote share', series: [line('voteShare', 'share')], format: (value) => percent(value), axis: percentAxis },
  {
    title: 'Votes lost to checks',
    series: [line('votesLost', 'of all answers', 1), line('winnersLost', 'of the plain winners', 3)],
    format: (value) => percent(value),
    axis: percentAxis,
    include: [0],
  },
  { title: 'Reward', series: [line('reward', 'reward', 2)], format: (value) => number(value) },
  { title: 'KL to the base', series: [line('kl', 'KL', 4)], format: (value) => number(value), include: [0] },
  {
    title: 'Entropy',
    series: [line('entropy', 'training', 6), { ...line('heldOut.entropy', 'held out', 4), points: true }],
    format: (value) => number(value),
  },
  {
    title: 'Response length',
    series: [line('responseTokens', 'training', 5), { ...line('heldOut.responseTokens', 'held out', 2), points: true }],
    format: (value) => number(value),
  },
  {
    title: 'Clip fraction',
    series: [line('clipFraction', 'clipped', 3)],
    format: (value) => percent(value, 2),
    axis: percentAxis,
    include: [0],
  },
  {
    title: 'Sampler to learner',
    series: [
      line('samplerGap', 'mean, nats', 1),
      line('samplerGapMax', 'largest, nats', 3),
      line('mismatch', 'mean of corrected tokens', 4),
    ],
    format: (value) => number(value),
    include: [0],
  },
  {
    title: 'Importance weights',
    series: [line('effectiveSamples', 'effective samples', 1), line('maskedShare', 'masked', 3)],
    format: (value) => percent(value),
    axis: percentAxis,
    include: [0],
  },
  {
    title: 'Tokens/s',
    series: [line('rolloutTokensPerSecond', 'sampling', 1), line('learnerTokensPerSecond', 'learning', 3)],
    format: (value) => number(value, 4),
    axis: (value) => number(value, 3),
    include: [0],
  },
  {
    title: 'Steps/min',
    series: [line('stepsPerMinute', 'steps', 2)],
    format: (value) => number(value, 3),
    include: [0],
  },
  { title: 'Gradient norm', series: [line('gradNorm', 'norm', 6)], format: (value) => number(value), include: [0] },
  {
    title: 'Memory',
    series: [line('memory.rss', 'resident', 5)],
    format: bytes,
    axis: (value) => bytes(value),
    include: [0],
  },
];

const BUSY = 'busy.';

/** One line per worker. */
export function busyMetric(names: readonly string[]): Metric {
  const columns = names.filter((name) => name.startsWith(BUSY)).sort();
  const series = columns.map((column, i) => line(column, column.slice(BUSY.length), (i % 6) + 1));
  return {
    title: 'Busy',
    series,
    format: (value) => percent(value, 0),
    axis: percentAxis,
    include: [0, 1],
    wide: true,
  };
}

/** The metric with only the series that have a column; undefined if none has. */
export function present(metric: Metric, names: readonly string[]): Metric | undefined {
  const series = metric.series.filter(({ column }) => names.includes(column));
  return series.length === 0 ? undefined : { ...metric, series };
}
