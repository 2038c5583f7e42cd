/**
 * Stores the metrics of a step and of an evaluation. What they are is in metrics.ts; `at` is in milliseconds since
 * 1970, `busy.<actor>` the share of the last minute in which the actor worked, `level.<level>` the accuracy of greedy
 * answers to held-out questions of that level.
 */
import type { Evaluation, PolicyVersion } from '../src/protocol/messages.ts';
import type { LoopParts } from './loop.ts';
import { LEVEL, UNLABELLED, WRITING } from './metrics.ts';

type Recorder = Pick<LoopParts, 'store' | 'measures'>;

/** Call within the transaction that stores the version. */
export function recordStep({ store, measures }: Recorder, { n, metrics }: PolicyVersion): void {
  const { at, staleness, actors } = measures;
  const { seconds: _, ...step } = metrics ?? { seconds: 0 };
  const busy = Object.fromEntries(actors.map((actor) => [`busy.${actor.id}`, actor.busy]));
  const { rss } = process.memoryUsage();
  const values = {
    ...step,
    ...measures.signals(),
    ...measures.throughput(),
    ...Object.fromEntries(Object.entries(measures.written ?? {}).map(([name, value]) => [`${WRITING}${name}`, value])),
    staleness,
    'memory.rss': rss,
    ...busy,
    at,
  };
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') store.metric(name, n, value);
  }
}

/** Call within the transaction that stores the evaluation. */
export function recordEvaluation(
  { store, measures }: Recorder,
  { version, greedy, levels = {}, full, labelFree }: Evaluation,
): void {
  // The base model has no step that would have stored a time.
  if (store.metricRow(version).at === undefined) store.metric('at', version, measures.at);
  if (greedy !== null) store.metric('greedy', version, greedy);
  for (const [level, accuracy] of Object.entries(levels)) store.metric(`${LEVEL}${level}`, version, accuracy);
  for (const name of ['pass1', 'majK', 'passK'] as const) if (full) store.metric(name, version, full[name]);
  for (const name of Object.keys(UNLABELLED) as (keyof typeof UNLABELLED)[]) {
    const value = labelFree?.[name] ?? null;
    if (value !== null) store.metric(`heldOut.${name}`, version, value);
  }
}
