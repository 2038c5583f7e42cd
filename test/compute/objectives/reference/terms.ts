/**
 * The learner's objective for one token, in plain numbers: the independent truth that the compiled learner program is
 * tested against.
 *
 * With log-probabilities of the same token under pi (being learnt), old (where the step started) and mu (the sampler),
 * and advantage A:
 *
 *     ratio  r  = pi / old
 *     PPO       = -min(r A, clip(r, 1 - eps, 1 + eps) A)                        Schulman et al. 2017, arXiv 1707.06347, eq. 7
 *     dual clip = min(PPO, -c A) where A < 0                                    Ye et al. 2020, arXiv 1912.09729, eq. 5
 *     k3        = ref/pi - log(ref/pi) - 1                                      Schulman 2020, joschu.net/blog/kl-approx.html
 *     TIS       w = min(old / mu, C), no gradient through it                    Yao et al. 2025, "Your efficient RL framework..."
 *     decoupled: old is the proximal policy, and the loss is weighed by old/mu  AReaL, arXiv 2505.24298, eq. 5
 *     token mean: the sum over all response tokens of the batch / their number  DAPO, arXiv 2503.14476, eq. 8
 */

export interface ClipOptions {
  /** eps. */
  readonly clipRange: number;
  /** c > 1, the bound on the loss of a token with negative advantage. */
  readonly dualClip: number;
}

export const importanceRatio = (logp: number, logpOld: number): number => Math.exp(logp - logpOld);

/** Policy loss of one token with PPO's clip and the dual clip. */
export function clippedLoss(ratio: number, advantage: number, { clipRange, dualClip }: ClipOptions): number {
  const clipped = Math.min(Math.max(ratio, 1 - clipRange), 1 + clipRange);
  const loss = Math.max(-ratio * advantage, -clipped * advantage);
  return advantage < 0 ? Math.min(loss, -dualClip * advantage) : loss;
}

/** d loss / d logp: 0 where a clip holds, else `-ratio * A`. */
export function clippedLossGradient(ratio: number, advantage: number, options: ClipOptions): number {
  return isClipped(ratio, advantage, options) ? 0 : -ratio * advantage;
}

/** Does a clip hold, so that the token teaches nothing? */
export function isClipped(ratio: number, advantage: number, { clipRange, dualClip }: ClipOptions): boolean {
  return advantage >= 0 ? ratio > 1 + clipRange : ratio < 1 - clipRange || ratio > dualClip;
}

/** k3 estimate of KL(pi || ref) from one token drawn from pi: not negative, and unbiased. */
export function k3(logp: number, logpRef: number): number {
  const d = logpRef - logp;
  return Math.expm1(d) - d;
}

/** Truncated importance sampling: `min(old / mu, cap)`. */
export function truncatedWeight(logpOld: number, logpSampler: number, cap: number): number {
  return Math.min(Math.exp(logpOld - logpSampler), cap);
}

export interface TokenTerms {
  readonly logp: number;
  readonly logpOld: number;
  readonly logpRef: number;
  /** Under the distribution the token was drawn from. */
  readonly logpSampler: number;
  readonly advantage: number;
}

export interface ObjectiveOptions extends ClipOptions {
  readonly klCoefficient: number;
  /**
   * C. With `old` recomputed by the learner this is TIS, with a separate proximal policy the decoupled objective;
   * Infinity does not truncate.
   */
  readonly cap: number;
}

/** Loss of one token: weight * clipped policy loss + klCoefficient * k3. */
export function tokenLoss(token: TokenTerms, options: ObjectiveOptions): number {
  const weight = truncatedWeight(token.logpOld, token.logpSampler, options.cap);
  const policy = clippedLoss(importanceRatio(token.logp, token.logpOld), token.advantage, options);
  return weight * policy + options.klCoefficient * k3(token.logp, token.logpRef);
}

/** Mean over all tokens of all responses: a long response weighs more than a short one. 0 for no tokens. */
export function tokenMean(responses: readonly (readonly number[])[]): number {
  const values = responses.flat();
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
