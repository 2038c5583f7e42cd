/**
 * The canaries: a fixed few questions, asked greedily now and then, each with its picture as it is and with harmless changes. An answer that no
 * harmless change moves is one the policy is sure of; what a trusted version was sure of, a later one should still say.
 */
import { mean, type Signals } from './signals.ts';

/** What one version answered; arrays are parallel to the canaries. */
export interface Sureness {
  /** To the picture as it is. */
  readonly answers: readonly (string | null)[];
  /** Whether the answer was given, and to every changed picture too. */
  readonly sure: readonly boolean[];
}

export interface Probe extends Sureness {
  readonly version: number;
  /** Whether the answer is the one that the trusted version, and the base, gave; absent without one. */
  readonly asTrusted?: readonly boolean[];
  readonly asOrigin?: readonly boolean[];
  /** Whether it is right, where the canaries have labels and they may be used. */
  readonly right?: readonly boolean[];
}

/** Below this, agreement is a matter of luck. */
const FEWEST = 8;

export function probeSignals(probe: Probe, trusted: Sureness | undefined, origin: Sureness | undefined): Signals {
  const agreement = among(probe.asTrusted, trusted);
  const originally = among(probe.asOrigin, origin);
  return {
    consistency: mean(probe.sure.map(Number)),
    ...(agreement === undefined ? {} : { agreement }),
    ...(originally === undefined ? {} : { origin: originally }),
    ...(probe.right === undefined ? {} : { canaryAccuracy: mean(probe.right.map(Number)) }),
  };
}

/** Share of the canaries that the earlier version was sure of which are answered as it answered them. */
function among(same: readonly boolean[] | undefined, earlier: Sureness | undefined): number | undefined {
  if (same === undefined || earlier === undefined) return undefined;
  const compared = same.filter((_, i) => earlier.sure[i] === true);
  return compared.length < FEWEST ? undefined : mean(compared.map(Number));
}
