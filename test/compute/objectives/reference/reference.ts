/**
 * What the scalar references take: plain numbers, written from each paper's equations without any code of the
 * objectives.
 */

export interface Token {
  readonly logp: number;
  readonly logpOld: number;
  readonly logpRef: number;
  readonly advantage: number;
}

export interface Options {
  readonly low: number;
  readonly high: number;
  readonly dualClip: number;
  readonly klCoefficient: number;
  readonly maxNewTokens: number;
}

/**
 * The loss of a mini-batch, `responses[i][t]`, without an entropy bonus. @param fixed where a stop-gradient is taken:
 * the responses before a finite difference moved them.
 */
export type Reference = (
  responses: readonly (readonly Token[])[],
  options: Options,
  fixed: readonly (readonly Token[])[],
) => number;

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const mean = (values: readonly number[]): number => sum(values) / values.length;
export const within = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
/** exp(d) - d - 1 with d = log ref - log pi. */
export const k3 = ({ logp, logpRef }: Token): number => Math.exp(logpRef - logp) - (logpRef - logp) - 1;
