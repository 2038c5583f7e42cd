/**
 * `quorum experiment stream`: kinds of pictures arrive one after the other, and a fresh run of each is what the stream
 * is compared with. The reports are written again after each run.
 */
import { join } from 'node:path';
import { merged } from '../config/merge.ts';
import { choosePreset } from '../config/preset.ts';
import { parseConfig } from '../config/load.ts';
import { configSchema, type ConfigInput } from '../config/schema.ts';
import { openData } from '../data/open.ts';
import type { BuiltIn } from '../data/settings.ts';
import { writeFileWhole } from '../store/files.ts';
import { weightsDigest } from './bench.ts';
import { estimate, type Estimate, type Work } from './estimate.ts';
import { knownRun, runName, runStages, type StageBench, type StageResult, type StageRun } from './run-stages.ts';
import { afterMinutes, BATCH_GROUPS, markExperiment, PROBE_QUESTIONS, unlessLate } from './session.ts';
import { stageData, stagesOf } from './stages.ts';
import { streamTable, type StreamTable } from './stream-statistics.ts';
import { streamHtml, streamMarkdown } from './stream-text.ts';

export interface StreamOptions {
  /** Hugging Face folder that every run starts from. */
  readonly model: string;
  /** Where runs and reports go; runs that are there already are not run again. */
  readonly folder: string;
  readonly data: BuiltIn;
  /** Kinds of pictures in order; default: the first four of the data set. */
  readonly stages?: readonly string[];
  readonly seeds: readonly number[];
  /** Questions of each stage: as many as this many full batches hold. */
  readonly stageSteps: number;
  /** Held-out questions of each stage. */
  readonly heldOut: number;
  /** As in the experiment of methods. */
  readonly minutes?: number;
  readonly config: ConfigInput;
  readonly signal: AbortSignal;
}

export type StreamProgress =
  | { readonly type: 'estimate'; readonly estimate: Estimate }
  | { readonly type: 'run'; readonly at: number; readonly of: number; readonly name: string }
  | { readonly type: 'result'; readonly result: StageResult };

export interface StreamReport extends StreamTable {
  readonly runs: readonly StageResult[];
  /** Runs that the time did not suffice for. */
  readonly left: number;
}

/** Evaluations in a stage, about. */
const EVALUATIONS = 12;

/** @throws InputError for bad stages or a bad model, CancelledError when `signal` aborts. */
export async function runStream(
  options: StreamOptions,
  show: (progress: StreamProgress) => void,
): Promise<StreamReport> {
  const { model, folder, data, stageSteps, heldOut, config, signal } = options;
  const stages = stagesOf(data, options.stages);
  const bench: StageBench = {
    model,
    digest: await weightsDigest(model),
    folder,
    data,
    questions: stageSteps * BATCH_GROUPS,
    heldOut,
    everySteps: Math.max(1, Math.round(stageSteps / EVALUATIONS)),
    config: merged(choosePreset({ folder: model, data }).defaults, config),
  };
  parseConfig(bench.config, '--set');
  markExperiment(folder);
  const runs = options.seeds.flatMap((seed): StageRun[] => [
    { stages, seed },
    ...stages.map((stage) => ({ stages: [stage], seed })),
  ]);
  show({ type: 'estimate', estimate: await estimateOf(bench, runs) });
  const late = afterMinutes(options.minutes);
  const results: StageResult[] = [];
  for (const [at, run] of runs.entries()) {
    show({ type: 'run', at: at + 1, of: runs.length, name: runName(run) });
    const result = await unlessLate(late, signal, (either) => runStages(bench, run, either));
    if (result === undefined) break;
    results.push(result);
    show({ type: 'result', result });
    writeReports(bench, results, runs.length);
  }
  return reportOf(results, runs.length);
}

function reportOf(results: readonly StageResult[], all: number): StreamReport {
  return { ...streamTable(results), runs: results, left: all - results.length };
}

function writeReports(bench: StageBench, results: readonly StageResult[], all: number): void {
  const report = reportOf(results, all);
  writeFileWhole(join(bench.folder, 'stream.md'), streamMarkdown(report, bench));
  writeFileWhole(join(bench.folder, 'stream.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileWhole(join(bench.folder, 'stream.html'), streamHtml(report, results, bench));
}

async function estimateOf(bench: StageBench, runs: readonly StageRun[]): Promise<Estimate> {
  const { model, config, data, questions, heldOut } = bench;
  const { samples } = configSchema.parse(config).sampling;
  const work = ({ stages }: StageRun): Work => ({
    trained: stages.length * questions * samples,
    measured: stages.length * EVALUATIONS * stages.length * heldOut,
  });
  const done = runs.flatMap((run) => {
    const known = knownRun(bench, run);
    return known === undefined ? [] : [{ ...work(run), seconds: known.seconds }];
  });
  const left = runs.filter((run) => knownRun(bench, run) === undefined).map(work);
  const { stages } = runs[0]!;
  const settings = configSchema.parse({ data: stageData(data, stages, { train: PROBE_QUESTIONS, heldOut }) });
  const { train } = await openData(settings.data);
  const asked = Array.from({ length: PROBE_QUESTIONS }, (_, i) => train.question(i));
  return estimate({ model, config, questions: asked }, done, left);
}
