/** Names of our own kernels: `kernels.ts` asks for them, the symbolic backend has them. */
export const FUSED = {
  rmsNorm: 'QuorumRmsNorm',
  sumSquares: 'QuorumSumSquares',
  silu: 'QuorumSilu',
  rope: 'QuorumRope',
  chosen: 'QuorumChosen',
  withChosen: 'QuorumWithChosen',
  groupQueryAttention: 'QuorumGroupQueryAttention',
} as const;
