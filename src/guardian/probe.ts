/**
 * The canaries: a few fixed questions, asked at intervals, half of the responses to the original picture and half to a
 * harmless change of it. A later version should keep the answers on which nearly all responses of a trusted version
 * agree. (Of the questions on which 5 of 6 responses of the bundled model agree, 98 % are answered right, where its
 * greedy answers are right on 52 %: the vote, not the greedy answer, is what to keep.)
 */
import { mean } from '../lib/mean.ts';
import type { RefusedQuestion } from '../protocol/messages.ts';
import { majorityVote } from '../learn/vote.ts';
import type { Signals } from './signals.ts';

/** A version's answers; arrays are parallel to the canaries. */
export interface Sureness {
  /** The majority's answer; null when no response has one. */
  readonly answers: readonly (string | null)[];
  /** Whether nearly all responses gave it. */
  readonly sure: readonly boolean[];
}

export interface Probe extends Sureness {
  readonly version: number;
  /** Share of the responses to each canary that gave its answer. */
  readonly shares: readonly number[];
  /**
   * Share of equal answers among pairs of a response to the clean and one to the changed picture, over the asked
   * canaries.
   */
  readonly same: readonly number[];
  /** Whether the canary could be asked; absent when all could. */
  readonly asked?: readonly boolean[];
  /** Canaries that could not be asked, by their id in the data. */
  readonly refused?: readonly RefusedQuestion[];
  /** Whether the answer equals that of the trusted version, and of the base; absent when the canary was not asked. */
  readonly asTrusted?: readonly boolean[];
  readonly asOrigin?: readonly boolean[];
  readonly asRecent?: readonly boolean[];
  /** Share of the responses to the canary that give the answer of `recent`. */
  readonly shareRecent?: readonly number[];
  /** Mean length of the responses, tokens. The questions are always the same: it falls when work is left out. */
  readonly tokens?: number;
  /** Share of responses whose work does not hold, of those that agree; absent where there is too little to check. */
  readonly unsound?: number;
  /** Whether it is right, if the canaries have labels that the guardian may use. */
  readonly right?: readonly boolean[];
}

/** What a sound version of late was sure of. */
export interface Recent extends Sureness {
  readonly version: number;
  /** The largest share of responses in a later probe that gave these answers; undefined before the first such probe. */
  readonly kept?: number;
  /** The loop has gone back since; the next probe tells which of these answers the restored version is sure of. */
  readonly isRolledBack?: true;
}

export interface ProbeRequest {
  /** The caller retains it. */
  readonly version: number;
  /** Answers of earlier versions, for the comparison. */
  readonly trusted?: Sureness | undefined;
  readonly origin?: Sureness | undefined;
  readonly recent?: Recent | undefined;
  /**
   * Ask twice as often. By chance a weak policy gives one answer five times in six to a question that it does not know,
   * and every later probe would count it as lost: of its confident answers in 6 responses, the bundled base changes 5 %
   * the next time.
   */
  readonly closely?: boolean;
}

export type AskCanaries = (request: ProbeRequest, signal: AbortSignal) => Promise<Probe>;

/** One response in six may differ. */
const NEARLY_ALL = 5 / 6;
/** Minimum of canaries: with fewer, agreement is chance. */
const FEWEST = 8;

/** One canary: classes of the responses to the clean picture and to the changed one. */
export function canary(
  clean: readonly number[],
  changed: readonly number[],
): { readonly winner: number; readonly share: number; readonly sure: boolean; readonly same: number } {
  const { winner, share } = majorityVote([...clean, ...changed]);
  const pairs = clean.flatMap((a) => changed.map((b) => Number(a === b && a >= 0)));
  return { winner, share, sure: winner >= 0 && share >= NEARLY_ALL - 1e-9, same: mean(pairs) };
}

/** By chance a weak policy is sure of a wrong answer once: two probes are twelve responses. */
export function sureOfBoth({ answers, sure }: Sureness, before: Sureness): Sureness {
  return { answers, sure: sure.map((is, i) => is && before.sure[i] === true && before.answers[i] === answers[i]) };
}

/**
 * What the newest of three sound probes is compared with from then on: what the two before it were sure of. These were
 * chosen for their large shares, so the share that the newest has is what to expect of later ones.
 */
export function recentOf([first, second, newest]: readonly [Probe, Probe, Probe]): Recent {
  const known = sureOfBoth(second, first);
  const shares = newest.shares.flatMap((share, i) =>
    known.sure[i] === true && newest.asked?.[i] !== false ? [newest.answers[i] === known.answers[i] ? share : 0] : [],
  );
  return { version: newest.version, ...known, ...(shares.length >= FEWEST && { kept: mean(shares) }) };
}

export function probeSignals(probe: Probe, { trusted, origin, recent }: Omit<ProbeRequest, 'version'>): Signals {
  const now = among(probe, probe.asTrusted, trusted);
  const originally = among(probe, probe.asOrigin, origin);
  const lately = among(probe, probe.asRecent, recent);
  return {
    ...(probe.same.length === 0 ? {} : { consistency: mean(probe.same) }),
    ...(now === undefined ? {} : { agreement: now.share, sureOf: now.of }),
    ...(lately === undefined ? {} : { recent: lately.share, recentSureOf: lately.of }),
    ...keptSignals(probe, recent),
    ...(originally === undefined ? {} : { origin: originally.share, baseSureOf: originally.of }),
    ...(probe.unsound === undefined ? {} : { unsound: probe.unsound }),
    ...(probe.tokens === undefined ? {} : { canaryTokens: probe.tokens }),
    ...(probe.right === undefined ? {} : { canaryAccuracy: mean(probe.right.map(Number)) }),
  };
}

/**
 * A majority changes only after half of the responses have: the share of the responses that give these answers falls
 * before. It is compared with that of later probes, since a version that was asked is sure of more by chance.
 */
function keptSignals({ asked, shareRecent }: Probe, recent: Recent | undefined): Signals {
  if (shareRecent === undefined || recent === undefined) return {};
  const shares = shareRecent.filter((_, i) => recent.sure[i] === true && asked?.[i] !== false);
  if (shares.length < FEWEST) return {};
  const kept = mean(shares);
  return { kept, ...(recent.kept === undefined ? {} : { faded: Math.max(0, recent.kept - kept) }) };
}

/** Share of the earlier version's confident canaries with the same answer now. */
function among(
  { asked }: Probe,
  same: readonly boolean[] | undefined,
  earlier: Sureness | undefined,
): { readonly share: number; readonly of: number } | undefined {
  if (same === undefined || earlier === undefined) return undefined;
  const compared = same.filter((_, i) => earlier.sure[i] === true && asked?.[i] !== false);
  return compared.length < FEWEST ? undefined : { share: mean(compared.map(Number)), of: compared.length };
}
