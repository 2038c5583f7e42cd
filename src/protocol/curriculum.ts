/** What the curriculum remembers. Producer: src/learn/curriculum. Consumer: the store, which keeps it over a restart. */

/**
 * What the last group of a question showed. `known`: all responses earn the same, by a trusted vote; `sure`: it is
 * learnt from, and few responses differ; `split`: the same, and more do; `near`: the vote is nearly trusted; `lost`:
 * it is not, or there is no vote.
 */
export type Outcome = 'known' | 'sure' | 'split' | 'near' | 'lost';

/** The last outcome of a question. `fresh`: none yet; `retired`: known, twice in a row at least. */
export type Last = Outcome | 'fresh' | 'retired';

export interface Remembered {
  readonly id: string;
  readonly cluster: string;
  readonly last: Last;
  /** The sequence number under which it was asked last; of a fresh one, its place in the order of the source. */
  readonly turn: number;
  /** The version that answered it last; -1 of a fresh one. */
  readonly version: number;
}

/** The evidence of an arm: the questions of one cluster with the same last outcome. */
export interface ArmRow {
  readonly cluster: string;
  readonly last: Last;
  /** Groups, those learnt from by a trusted vote, and what these are worth; as of `version`: all fade with it. */
  readonly judged: number;
  readonly learnt: number;
  readonly worth: number;
  readonly version: number;
  /** Groups judged in all, and kept ones among them. */
  readonly asked: number;
  readonly kept: number;
}
