/** Makes the report of a run from its last status and its evaluations. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { z } from 'zod';
import { bestWithoutLabels, isLabelled } from '../../streams/label-free.ts';
import { rates, type Totals } from '../../streams/meter.ts';
import { refusedQuestions } from '../../streams/refused.ts';
import { readState, trustIn } from '../guardian/state.ts';
import { InputError } from '../protocol/errors.ts';
import type { Accuracy } from '../protocol/messages.ts';
import type { LabelCount, Report, Status } from '../protocol/status.ts';
import { standing } from '../store/standing.ts';
import type { Store } from '../store/store.ts';

export interface Ending {
  readonly end: Report['end'];
  readonly reason?: string;
  readonly error: Error | undefined;
  readonly folder: string;
  /** Newest version on disk. */
  readonly saved: number | null;
  /** The best version if no accuracy was measured; otherwise null. */
  readonly unlabelled: number | null;
  readonly bestFolder: string | null;
  readonly lost?: true;
}

export function reportOf(
  status: Status,
  totals: Totals,
  store: Store,
  { error, unlabelled, ...ending }: Ending,
): Report {
  const { model, data, seed, version, accuracy, labelFree, staleness, groups, restarts, memory } = status;
  const stands = standing(store);
  const best = bestEvaluation(store, stands.best?.version ?? version, version);
  return {
    model,
    data,
    seed,
    steps: version,
    wallSeconds: totals.seconds,
    ...(totals.pausedSeconds === 0 ? {} : { pausedSeconds: totals.pausedSeconds }),
    baseline: stands.baseline?.full ?? null,
    final: fullEvaluation(store, version) ?? null,
    best,
    history: accuracy.history,
    ...(accuracy.levels === undefined ? {} : { levels: accuracy.levels }),
    ...(labelFree === undefined ? {} : { labelFree }),
    throughput: rates(totals),
    staleness: { max: staleness.max, histogram: staleness.histogram },
    groups: {
      sampled: groups.sampled,
      kept: groups.kept,
      dropped: groups.dropped,
      ...(groups.setAside === undefined ? {} : { setAside: groups.setAside }),
    },
    refused: refusedQuestions(store),
    restarts,
    memory: { peakRssBytes: memory.peakRss },
    ...ending,
    bestFolder:
      (best?.version ?? unlabelled) === version && ending.saved === version ? ending.folder : ending.bestFolder,
    ...(error === undefined ? {} : { error: error.message }),
  };
}

/**
 * The best version of a run that has held-out questions without labels and no accuracy. @param saved newest version on
 * disk.
 */
export function bestUnlabelled(
  store: Store,
  labels: LabelCount,
  saved: number | null,
  isGuarded: boolean,
): number | null {
  if (standing(store).best !== null || isLabelled(labels)) return null;
  return bestWithoutLabels(saved, isGuarded ? trustIn(readState(store)) : undefined);
}

/** Whether a version is evaluated in full, or, without labels, evaluated at all. */
export function isMeasured(store: Store, version: number): boolean {
  return store
    .evaluations()
    .some(
      (evaluation) => evaluation.version === version && (evaluation.full !== undefined || evaluation.greedy === null),
    );
}

function fullEvaluation(store: Store, version: number): Accuracy | undefined {
  return store.evaluations().findLast((evaluation) => evaluation.version === version && evaluation.full !== undefined)
    ?.full;
}

/**
 * The final version or the best by quick evaluations, whichever has the higher full accuracy; the final version if they
 * are equal.
 */
function bestEvaluation(store: Store, kept: number, final: number): Report['best'] {
  const full = [final, kept].flatMap((version) => {
    const accuracy = fullEvaluation(store, version);
    return accuracy === undefined ? [] : [{ version, accuracy }];
  });
  return full.toSorted((a, b) => b.accuracy.greedy - a.accuracy.greedy)[0] ?? null;
}

/** @throws InputError when the report cannot be written there. */
export function checkReportFile(file: string): void {
  const folder = dirname(resolve(file));
  if (!existsSync(folder))
    throw new InputError(`the report ${file} cannot be written: the folder ${folder} does not exist`);
}

const reportSchema = z.object({
  model: z.string(),
  steps: z.number(),
  history: z.array(z.unknown()),
  end: z.string(),
  folder: z.string(),
});

/** Whether `writeReport` wrote the file for an earlier process on the run folder. */
export function isReportOf(file: string, runFolder: string): boolean {
  try {
    const { folder } = reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return folder.startsWith(`${resolve(runFolder)}${sep}`);
  } catch {
    return false;
  }
}

export function writeReport(file: string, report: Report): void {
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
