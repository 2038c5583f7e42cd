/**
 * What the signals mean. Each rule compares a signal with what it was at the last trusted version, because learning
 * itself moves most of them: in healthy runs of the bundled model the vote share rises from 0.6 to 0.96, entropy halves
 * and responses grow by half, and vote share, entropy and KL end no differently where it collapses slowly
 * (docs/guardian.md has the numbers). So these weigh little. The decisive signs are those that healthy learning never
 * shows: one answer to every question, no answers, contradiction of what a trusted version was sure of.
 */
import { SIGNALS, type Signal, type Signals } from './signals.ts';

export interface Symptom {
  readonly signal: Signal | 'finite';
  /** 1: worth watching, 2: worth acting on. */
  readonly severity: 1 | 2;
  /** The signal with its present and its earlier value. */
  readonly words: string;
}

interface Rule {
  readonly signal: Signal;
  /** A signal that suffices to act; the others suffice only in combination. */
  readonly decisive: boolean;
  /**
   * How far `now` is from `before` in the bad direction; `before` is undefined when no trusted version has the signal.
   */
  readonly excess: (now: number, before: number | undefined) => number;
  /** Excess from which the symptom has severity 1 and 2, and from which there is doubt (half of `watch`). */
  readonly watch: number;
  readonly act: number;
  readonly doubt?: number;
  /** Number of canaries in the comparison: losing a few is chance, at any share. */
  readonly of?: Signal;
  /** Where a loss of fewer is no chance. */
  readonly fewest?: typeof FEWEST;
}

/**
 * Lost canaries from which there may be doubt, severity 1, and severity 2. They matter when a version was sure of fewer
 * than 90.
 */
const FEWEST: Readonly<Record<'doubt' | 'watch' | 'act', number>> = { doubt: 3, watch: 5, act: 7 };

/**
 * The increase as a share of the possible increase: a yes/no data set starts at a concentration of 0.5, one of numbers
 * at 0.1.
 */
const gained = (now: number, before = 0): number => (before >= 1 ? 0 : (now - before) / (1 - before));
const fallen = (now: number, before = now): number => before - now;
const risen = (now: number, before = now): number => now - before;
const lost = (now: number): number => 1 - now;
const swing = (now: number): number => Math.abs(now);
/** Halvings; of doublings 2.5 count as one, since learning to show its work lengthens responses. */
const resized = (now: number, before = now): number => factor(now, before) / (now > before ? 2.5 : 1);
/** Doublings, up or down. */
const factor = (now: number, before = now): number =>
  now > 0 && before > 0 ? Math.abs(Math.log2(now / before)) : now === before ? 0 : 8;
const RULES: readonly Rule[] = [
  { signal: 'concentration', decisive: true, excess: gained, watch: 0.3, act: 0.45 },
  { signal: 'unanswered', decisive: true, excess: gained, watch: 0.2, act: 0.5 },
  { signal: 'agreement', decisive: true, excess: lost, watch: 0.055, act: 0.085, doubt: 0.035, of: 'sureOf' },
  { signal: 'erosion', decisive: true, excess: swing, watch: 0.05, act: 0.12 },
  {
    signal: 'recent',
    decisive: true,
    excess: lost,
    watch: 0.05,
    act: 0.075,
    doubt: 0.035,
    of: 'recentSureOf',
    fewest: { doubt: 3, watch: 4, act: 5 },
  },
  {
    signal: 'faded',
    decisive: true,
    excess: swing,
    watch: 0.045,
    act: 0.07,
    doubt: 0.03,
    of: 'recentSureOf',
    fewest: { doubt: 2, watch: 3, act: 5 },
  },
  { signal: 'fading', decisive: true, excess: swing, watch: 0.06, act: 0.1 },
  { signal: 'origin', decisive: true, excess: lost, watch: 0.15, act: 0.25, of: 'baseSureOf' },
  { signal: 'canaryAccuracy', decisive: true, excess: fallen, watch: 0.1, act: 0.2 },
  { signal: 'unsound', decisive: true, excess: risen, watch: 0.08, act: 0.14 },
  { signal: 'consistency', decisive: false, excess: fallen, watch: 0.2, act: 0.4 },
  { signal: 'canaryTokens', decisive: false, excess: resized, watch: 0.4, act: 0.8 },
  { signal: 'voteShare', decisive: false, excess: fallen, watch: 0.1, act: 0.2 },
  { signal: 'shareRate', decisive: false, excess: swing, watch: 0.15, act: 0.25 },
  { signal: 'spread', decisive: false, excess: risen, watch: 0.1, act: 0.25 },
  { signal: 'entropy', decisive: false, excess: factor, watch: 1.5, act: 2.5 },
  { signal: 'kl', decisive: false, excess: risen, watch: 0.2, act: 0.6 },
  { signal: 'clipFraction', decisive: false, excess: risen, watch: 0.05, act: 0.2 },
];

const ROUNDING = 1e-9;

/**
 * After a roll-back the bounds of decisive signals are divided by it, until a version is trusted again: what has happened
 * may well return. Not those of a comparison with a recent version, which are lower already.
 */
const WARY = 1.5;
const OF_RECENT: ReadonlySet<Signal> = new Set(['recent', 'faded', 'fading']);

/** Worst first. @param before at the last trusted version. */
export function symptoms(
  now: Signals,
  before: Signals,
  { notFinite = [], isWary = false }: { readonly notFinite?: readonly string[]; readonly isWary?: boolean } = {},
): readonly Symptom[] {
  const found = RULES.flatMap((rule): readonly Symptom[] => {
    const { signal, excess } = rule;
    const value = now[signal];
    if (value === undefined) return [];
    const far = excess(value, before[signal]);
    const { watch, act } = bounds(rule, now, isWary);
    if (far < watch) return [];
    return [{ signal, severity: far >= act ? 2 : 1, words: inWords(signal, value, before[signal]) }];
  });
  const broken: readonly Symptom[] = notFinite.map((name) => ({
    signal: 'finite',
    severity: 2,
    words: `${name} is not a number`,
  }));
  return [...broken, ...found.toSorted((a, b) => evidence([b]) - evidence([a]))];
}

/**
 * The decisive signals that are half-way to a symptom. They raise no alarm, but earlier versions are not trusted yet:
 * otherwise a slow collapse would move its own reference.
 */
export function doubts(now: Signals, before: Signals): readonly Signal[] {
  return RULES.filter((rule) => {
    const value = now[rule.signal];
    return rule.decisive && value !== undefined && rule.excess(value, before[rule.signal]) >= bounds(rule, now).doubt;
  }).map(({ signal }) => signal);
}

function bounds(
  { signal, watch, act, doubt = watch / 2, of, fewest = FEWEST, decisive }: Rule,
  now: Signals,
  isWary = false,
): { readonly doubt: number; readonly watch: number; readonly act: number } {
  const compared = (of && now[of]) ?? Number.POSITIVE_INFINITY;
  const atLeast = (bound: number, canaries: number) => Math.max(bound, canaries / compared - ROUNDING);
  const less = isWary && decisive && !OF_RECENT.has(signal) ? WARY : 1;
  return {
    doubt: atLeast(doubt, fewest.doubt),
    watch: atLeast(watch / less, fewest.watch / less),
    act: atLeast(act / less, fewest.act / less),
  };
}

/** Weights that suffice to watch, and to act if they last. */
export const WATCH = 0.3;
export const ACT = 1;

/** The combined weight of symptoms: one decisive sign suffices, or three others at their worst. */
export function evidence(found: readonly Symptom[]): number {
  return found.reduce((sum, { signal, severity }) => sum + weight(signal)[severity], 0);
}

const DECISIVE = { 1: 0.5, 2: 1 } as const;
const HINT = { 1: 0.15, 2: 0.34 } as const;

function weight(signal: Symptom['signal']): typeof DECISIVE | typeof HINT {
  return signal === 'finite' || RULES.find((rule) => rule.signal === signal)?.decisive === true ? DECISIVE : HINT;
}

function inWords(signal: Signal, now: number, before: number | undefined): string {
  const number = (value: number) => String(Number(value.toPrecision(2)));
  const compared = before === undefined || RELATIVE.has(signal) ? '' : `, was ${number(before)}`;
  return `${SIGNALS[signal]} ${number(now)}${compared}`;
}

/** Signals that are already a comparison. */
const RELATIVE: ReadonlySet<Signal> = new Set([...OF_RECENT, 'agreement', 'erosion', 'origin', 'shareRate']);
