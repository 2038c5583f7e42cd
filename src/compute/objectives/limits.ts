/** The learner computes in 32 bits: a larger factor may be infinite there, and its product with 0 no number. */
export const MOST = 1e9;
