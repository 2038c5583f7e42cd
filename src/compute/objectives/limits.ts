/** The learner computes in float32: a larger factor may overflow to infinity, and infinity times 0 is NaN. */
export const MOST = 1e9;
