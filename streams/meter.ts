/**
 * Measures how long each side of the loop works, how long both work at the same time, and how many tokens they make.
 */

export type Side = 'rollout' | 'learner';

/**
 * Sums since the run began. Seconds in which at least one actor of the side works; tokens sampled, and response tokens
 * learnt from.
 */
export interface Totals {
  readonly rolloutSeconds: number;
  readonly learnerSeconds: number;
  readonly bothSeconds: number;
  readonly rolloutTokens: number;
  readonly learnerTokens: number;
  readonly steps: number;
  /** Seconds that the run has been up, pauses included. */
  readonly seconds: number;
  /** Of these, seconds in which it was paused. */
  readonly pausedSeconds: number;
}

export const NO_TOTALS: Totals = {
  rolloutSeconds: 0,
  learnerSeconds: 0,
  bothSeconds: 0,
  rolloutTokens: 0,
  learnerTokens: 0,
  steps: 0,
  seconds: 0,
  pausedSeconds: 0,
};

export interface Rates {
  readonly rolloutTokensPerSecond: number | null;
  readonly learnerTokensPerSecond: number | null;
  readonly stepsPerMinute: number | null;
  readonly secondsPerStep: number | null;
  readonly overlap: number | null;
}

export class Meter {
  readonly #now: () => number;
  #totals: Totals;
  #at: number;
  readonly #busy: Record<Side, number> = { rollout: 0, learner: 0 };
  #isPaused = false;

  /** `now` in milliseconds; `from` are the totals of earlier processes, of an older Quorum without its pauses. */
  constructor(now: () => number, from: Partial<Totals> = {}) {
    this.#now = now;
    this.#totals = { ...NO_TOTALS, ...from };
    this.#at = now();
  }

  begin(side: Side): void {
    this.#advance();
    this.#busy[side] += 1;
  }

  end(side: Side, done: { readonly tokens: number; readonly steps?: number }): void {
    this.#advance();
    this.#busy[side] -= 1;
    const { rolloutTokens, learnerTokens, steps } = this.#totals;
    this.#totals = {
      ...this.#totals,
      ...(side === 'rollout'
        ? { rolloutTokens: rolloutTokens + done.tokens }
        : { learnerTokens: learnerTokens + done.tokens }),
      steps: steps + (done.steps ?? 0),
    };
  }

  paused(isPaused: boolean): void {
    this.#advance();
    this.#isPaused = isPaused;
  }

  totals(): Totals {
    this.#advance();
    return this.#totals;
  }

  #advance(): void {
    const passed = (this.#now() - this.#at) / 1000;
    this.#at += passed * 1000;
    const rollout = this.#busy.rollout > 0 ? passed : 0;
    const learner = this.#busy.learner > 0 ? passed : 0;
    const { rolloutSeconds, learnerSeconds, bothSeconds, seconds, pausedSeconds } = this.#totals;
    this.#totals = {
      ...this.#totals,
      rolloutSeconds: rolloutSeconds + rollout,
      learnerSeconds: learnerSeconds + learner,
      bothSeconds: bothSeconds + Math.min(rollout, learner),
      seconds: seconds + passed,
      pausedSeconds: pausedSeconds + (this.#isPaused ? passed : 0),
    };
  }
}

/** The work between two totals as rates, without pauses; null when there was none. */
export function rates(to: Totals, from: Totals = NO_TOTALS): Rates {
  const over = (amount: number, seconds: number) => (amount > 0 && seconds > 0 ? amount / seconds : null);
  const learnerSeconds = to.learnerSeconds - from.learnerSeconds;
  const steps = to.steps - from.steps;
  const seconds = to.seconds - to.pausedSeconds - (from.seconds - from.pausedSeconds);
  return {
    rolloutTokensPerSecond: over(to.rolloutTokens - from.rolloutTokens, to.rolloutSeconds - from.rolloutSeconds),
    learnerTokensPerSecond: over(to.learnerTokens - from.learnerTokens, learnerSeconds),
    stepsPerMinute: over(steps * 60, seconds),
    secondsPerStep: over(seconds, steps),
    overlap: learnerSeconds > 0 ? (to.bothSeconds - from.bothSeconds) / learnerSeconds : null,
  };
}
