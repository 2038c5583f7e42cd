/** Learning rate by step: linear warm-up, then the schedule. */

export type Schedule =
  | { readonly type: 'constant' }
  /** Falls from the peak to `floorShare` of it at step `totalSteps`, and stays there. */
  | { readonly type: 'linear' | 'cosine'; readonly totalSteps: number; readonly floorShare: number };

export interface RateSettings {
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly schedule: Schedule;
}

/** Returns the learning rate of step `step`, counted from 0. */
export function learningRateAt(step: number, { learningRate, warmupSteps, schedule }: RateSettings): number {
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (schedule.type === 'constant') return learningRate;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, schedule.totalSteps - warmupSteps));
  const share = schedule.type === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRate * (schedule.floorShare + (1 - schedule.floorShare) * share);
}
