/** DPO, arXiv 2305.18290, eq. 7, of one pair: log-probabilities of whole responses. */
export function pairLoss(
  chosen: { pi: number; ref: number },
  rejected: { pi: number; ref: number },
  beta: number,
): number {
  const margin = beta * (chosen.pi - chosen.ref) - beta * (rejected.pi - rejected.ref);
  return -Math.log(1 / (1 + Math.exp(-margin)));
}
