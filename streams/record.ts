/**
 * The metrics that are stored, by learner step (a step's number is that of the version it made). Their names stay as they are: charts and
 * stored runs know them. Units as in src/protocol/{messages,status}.ts.
 *
 * With each step:
 *   at                                        milliseconds since 1970
 *   loss kl entropy clipFraction ratio gradNorm learningRate tokens        of the step
 *   voteShare reward responseTokens           of the groups judged lately
 *   rolloutTokensPerSecond learnerTokensPerSecond stepsPerMinute secondsPerStep overlap
 *   staleness                                 oldest group of the batch, in versions
 *   memory.rss                                bytes
 *   busy.<actor>                              share of the last minute in which the actor worked, in [0, 1]
 * By the guardian, with each step (streams/guardian.ts; docs/guardian.md): guardian.level (0 healthy, 1 watch, 2 act), guardian.concentration
 *   guardian.unanswered guardian.spread; with the step after a probe guardian.consistency guardian.agreement guardian.erosion guardian.origin
 *   guardian.canaryAccuracy, all but the level in [0, 1], and guardian.sureOf guardian.baseSureOf, which count canaries
 * With each evaluation, at the step that made the version: greedy, and in full pass1, majK, passK; all in [0, 1].
 */
import type { Evaluation, PolicyVersion } from '../src/protocol/messages.ts';
import type { Loop } from './loop.ts';

type Recorder = Pick<Loop, 'store' | 'telemetry'>;

/** Call within the transaction that stores the version. */
export function recordStep({ store, telemetry }: Recorder, { n, metrics }: PolicyVersion): void {
  const { at, signals, throughput, staleness, memory, actors } = telemetry.status();
  const { seconds: _, ...step } = metrics ?? { seconds: 0 };
  const busy = Object.fromEntries(actors.map((actor) => [`busy.${actor.id}`, actor.busy]));
  const values = { ...step, ...signals, ...throughput, staleness: staleness.now, 'memory.rss': memory.rss, ...busy, at };
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') store.metric(name, n, value);
  }
}

/** Call within the transaction that stores the evaluation. */
export function recordEvaluation({ store, telemetry }: Recorder, { version, greedy, full }: Evaluation): void {
  // The base model has no step that would have stored a time.
  if (store.metricRow(version).at === undefined) store.metric('at', version, telemetry.status().at);
  store.metric('greedy', version, greedy);
  for (const name of ['pass1', 'majK', 'passK'] as const) if (full) store.metric(name, version, full[name]);
}
