/**
 * The canaries: a fixed few questions, asked now and then, half of the responses to the picture as it is and half to a
 * harmless change of it. What nearly all responses of a trusted version agree on, a later one should still say. (Of the
 * questions on which 5 of 6 responses of the bundled model agree, 98 % are answered right, where its greedy answers are
 * right on 52 %: the vote, not the greedy answer, is what to keep.)
 */
import { mean } from '../lib/mean.ts';
import type { RefusedQuestion } from '../protocol/messages.ts';
import { majorityVote } from '../learn/vote.ts';
import type { Signals } from './signals.ts';

/** What a version said; arrays are parallel to the canaries. */
export interface Sureness {
  /** The majority's answer; null when no response has one. */
  readonly answers: readonly (string | null)[];
  /** Whether nearly all responses gave it. */
  readonly sure: readonly boolean[];
}

export interface Probe extends Sureness {
  readonly version: number;
  /**
   * Of the pairs of a response to the clean and one to the changed picture: share that agree; for those that were
   * asked.
   */
  readonly same: readonly number[];
  /** Whether the canary could be asked; absent where all could. */
  readonly asked?: readonly boolean[];
  /** Those that could not, by their id in the data. */
  readonly refused?: readonly RefusedQuestion[];
  /** Whether the answer equals that of the trusted version, and of the base; absent where it was not asked for. */
  readonly asTrusted?: readonly boolean[];
  readonly asOrigin?: readonly boolean[];
  /** Whether it is right, where the canaries have labels and they may be used. */
  readonly right?: readonly boolean[];
}

export interface ProbeRequest {
  /** The caller retains it. */
  readonly version: number;
  /** What earlier versions said, to be compared with. */
  readonly trusted?: Sureness | undefined;
  readonly origin?: Sureness | undefined;
  /**
   * Ask twice as often. A weak policy gives one answer five times in six now and then to a question that it does not
   * know, and that would be missed for ever after: of what the bundled base is sure of in 6 responses, it says 5 %
   * otherwise the next time.
   */
  readonly closely?: boolean;
}

export type AskCanaries = (request: ProbeRequest, signal: AbortSignal) => Promise<Probe>;

/** One response in six may differ. */
const NEARLY_ALL = 5 / 6;
/** Below this many canaries, agreement is a matter of luck. */
const FEWEST = 8;

/** One canary: classes of the responses to the clean picture and to the changed one. */
export function canary(
  clean: readonly number[],
  changed: readonly number[],
): { readonly winner: number; readonly sure: boolean; readonly same: number } {
  const { winner, share } = majorityVote([...clean, ...changed]);
  const pairs = clean.flatMap((a) => changed.map((b) => Number(a === b && a >= 0)));
  return { winner, sure: winner >= 0 && share >= NEARLY_ALL - 1e-9, same: mean(pairs) };
}

export function probeSignals(probe: Probe, trusted: Sureness | undefined, origin: Sureness | undefined): Signals {
  const now = among(probe, probe.asTrusted, trusted);
  const originally = among(probe, probe.asOrigin, origin);
  return {
    ...(probe.same.length === 0 ? {} : { consistency: mean(probe.same) }),
    ...(now === undefined ? {} : { agreement: now.share, sureOf: now.of }),
    ...(originally === undefined ? {} : { origin: originally.share, baseSureOf: originally.of }),
    ...(probe.right === undefined ? {} : { canaryAccuracy: mean(probe.right.map(Number)) }),
  };
}

/** Share of the canaries that the earlier version was sure of which are answered as it answered them. */
function among(
  { asked }: Probe,
  same: readonly boolean[] | undefined,
  earlier: Sureness | undefined,
): { readonly share: number; readonly of: number } | undefined {
  if (same === undefined || earlier === undefined) return undefined;
  const compared = same.filter((_, i) => earlier.sure[i] === true && asked?.[i] !== false);
  return compared.length < FEWEST ? undefined : { share: mean(compared.map(Number)), of: compared.length };
}
