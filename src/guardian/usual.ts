/**
 * What is usual of late, and what departs from it. A departure is a reason to ask the canaries now, and never one to
 * act: a new kind of question moves these signals as well, and the canaries are always the same questions.
 */
import type { Signal, Signals } from './signals.ts';

/** By signal: the mean over some dozen steps, and the mean distance of a step from it. */
export interface Usual {
  readonly mean: Signals;
  readonly scatter: Signals;
}

export const NOTHING_USUAL: Usual = { mean: {}, scatter: {} };

/** Weight of the newest step in the mean, and in the scatter. */
const WEIGHT = 0.08;
const SCATTER_WEIGHT = 0.05;
/** Most that one step adds to the scatter, in scatters: otherwise a change would hide itself. */
const MOST_SCATTERED = 2.5;
/** Readings before anything is usual. */
const FEWEST = 15;
/**
 * The distance of the mean over the last steps from the usual one, in scatters. For independent steps it has a standard
 * deviation of about 0.36.
 */
const FAR = 1.2;
/** Scatter of signals that hardly move, as a share of the mean. */
const LEAST = 0.02;

/** Directions that learning does not take by itself once it is under way: 1 up, -1 down, 0 either. */
const DIRECTIONS: Readonly<Partial<Record<Signal, 1 | -1 | 0>>> = {
  concentration: 1,
  unanswered: 1,
  spread: 1,
  voteShare: -1,
  winnersLost: 1,
  entropy: 0,
  responseTokens: 0,
};

export function usualAfter(before: Usual, step: Signals, readings: number): Usual {
  const weight = Math.max(WEIGHT, 1 / readings);
  const isFirst = readings < FEWEST;
  const scatterWeight = isFirst ? weight : SCATTER_WEIGHT;
  const mean: Partial<Record<Signal, number>> = { ...before.mean };
  const scatter: Partial<Record<Signal, number>> = { ...before.scatter };
  for (const [name, value] of Object.entries(step) as [Signal, number | undefined][]) {
    if (value === undefined || !Number.isFinite(value)) continue;
    const old = mean[name] ?? value;
    mean[name] = old + weight * (value - old);
    const usual = scatter[name] ?? 0;
    const distance = isFirst ? Math.abs(value - old) : Math.min(Math.abs(value - old), MOST_SCATTERED * usual);
    scatter[name] = usual + scatterWeight * (distance - usual);
  }
  return { mean, scatter };
}

/** @param lately means over the last steps. */
export function departures(lately: Signals, { mean, scatter }: Usual, readings: number): readonly Signal[] {
  if (readings < FEWEST) return [];
  return (Object.entries(DIRECTIONS) as [Signal, number][]).flatMap(([name, direction]) => {
    const [now, usual] = [lately[name], mean[name]];
    if (now === undefined || usual === undefined) return [];
    const moved = direction === 0 ? Math.abs(now - usual) : direction * (now - usual);
    const bound = FAR * Math.max(scatter[name] ?? 0, LEAST * Math.abs(usual), 1e-9);
    return moved > bound ? [name] : [];
  });
}
