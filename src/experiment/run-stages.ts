/** One run over stages, by the daemon itself: accuracy on every stage at each evaluation, and when each stage began. */
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { merged } from '../config/merge.ts';
import { configSchema, type ConfigInput } from '../config/schema.ts';
import { startDaemon } from '../daemon/daemon.ts';
import type { BuiltIn } from '../data/settings.ts';
import { READ_AHEAD } from '../learn/curriculum/curriculum.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { mean } from '../lib/mean.ts';
import { CancelledError } from '../protocol/errors.ts';
import type { HeldOutAnswer } from '../protocol/messages.ts';
import { writeFileWhole } from '../store/files.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { digestOf } from './cell.ts';
import { stageData, stageOf, stagePlugin } from './stages.ts';

export interface StageBench {
  readonly model: string;
  /** Digest of its weights. */
  readonly digest: string;
  readonly folder: string;
  readonly data: BuiltIn;
  /** Questions asked of each stage. */
  readonly questions: number;
  /** Held-out questions of each stage. */
  readonly heldOut: number;
  /** Learner steps between evaluations. */
  readonly everySteps: number;
  /** Under the settings that make the run. */
  readonly config: ConfigInput;
}

/** A run over all stages, or a fresh one over a single stage, to compare with. */
export interface StageRun {
  readonly stages: readonly string[];
  readonly seed: number;
}

export interface StagePoint {
  readonly version: number;
  /** Greedy accuracy on the held-out questions of each stage. */
  readonly stages: Readonly<Record<string, number>>;
}

export interface StageResult extends StageRun {
  /** In order of versions. */
  readonly points: readonly StagePoint[];
  /** Version that sampled the first question of each stage. */
  readonly starts: readonly number[];
  readonly steps: number;
  readonly seconds: number;
}

/** The rate stays as it is, as in a daemon that does not know when it will end. */
const SETTINGS: ConfigInput = {
  learner: { schedule: { type: 'constant' } },
  dashboard: { port: null },
  guardian: { mode: 'off' },
};

export function runName({ stages, seed }: StageRun): string {
  return `${stages.length === 1 ? `${stages[0]} alone` : stages.join(', ')}, seed ${seed}`;
}

/** The result of a run that was done before. */
export function knownRun(bench: StageBench, run: StageRun): StageResult | undefined {
  const file = fileOf(bench, run);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StageResult) : undefined;
}

function hashOf({ digest, data, questions, heldOut, everySteps, config }: StageBench, run: StageRun): string {
  return digestOf({ ...run, digest, data, questions, heldOut, everySteps, config: merged(SETTINGS, config) });
}

function fileOf(bench: StageBench, run: StageRun): string {
  return join(bench.folder, 'cells', `${hashOf(bench, run)}.json`);
}

/** @throws CancelledError when `signal` aborts; the next call continues the run from there. */
export async function runStages(bench: StageBench, run: StageRun, signal: AbortSignal): Promise<StageResult> {
  const known = knownRun(bench, run);
  if (known !== undefined) return known;
  const runFolder = join(bench.folder, 'runs', hashOf(bench, run));
  const result = await trained(bench, run, runFolder, signal);
  makeFolder(join(bench.folder, 'cells'));
  writeFileWhole(fileOf(bench, run), `${JSON.stringify(result, null, 2)}\n`);
  await rm(runFolder, { recursive: true, force: true });
  return result;
}

async function trained(bench: StageBench, run: StageRun, runFolder: string, signal: AbortSignal): Promise<StageResult> {
  const daemon = await startDaemon(configSchema.parse(settingsOf(bench, run, runFolder)), { signal });
  const stop = (): void => void daemon.stop();
  signal.addEventListener('abort', stop);
  const report = await daemon.closed();
  signal.removeEventListener('abort', stop);
  if (signal.aborted) throw new CancelledError(`stopped while ${runName(run)} ran`);
  if (report.end !== 'steps') throw new Error(`${runName(run)} failed: ${report.error ?? report.end}`);
  using store = openStore(join(runFolder, 'quorum.db'));
  return { ...run, ...measured(store, bench, run), steps: report.steps, seconds: report.wallSeconds };
}

function settingsOf(bench: StageBench, { stages, seed }: StageRun, runFolder: string): ConfigInput {
  const { model, data, questions, heldOut, everySteps, config } = bench;
  const total = stages.length * questions;
  const read = questions * (config.curriculum?.mode === 'on' ? READ_AHEAD : 1);
  const own: ConfigInput = {
    model,
    runFolder,
    seed,
    data: stageData(data, stages, { train: read, heldOut }),
    loop: { questions: total },
    evaluation: {
      everySteps,
      questions: stages.length * heldOut,
      fullQuestions: 1,
      k: 2,
      fullEverySteps: 1_000_000,
    },
    // Everything that is read at the end is kept until then.
    store: { maxGroups: 2 * total, maxAnswerVersions: total },
    plugins: [stagePlugin(stages, read)],
  };
  return [SETTINGS, config, own].reduce(merged);
}

function measured(
  store: Pick<Store, 'evaluations' | 'answers' | 'judgedGroups'>,
  { questions }: StageBench,
  { stages }: StageRun,
): Pick<StageResult, 'points' | 'starts'> {
  const versions = [...new Set(store.evaluations().map(({ version }) => version))].toSorted((a, b) => a - b);
  const points = versions.map((version) => ({ version, stages: byStage(store.answers(version) ?? [], stages) }));
  const starts = stages.map((_, i) => store.judgedGroups(1, i * questions + 1)[0]?.group.policyVersion ?? 0);
  return { points, starts };
}

function byStage(answers: readonly HeldOutAnswer[], stages: readonly string[]): Record<string, number> {
  const of = (stage: string) => answers.filter(({ question }) => stageOf(question, stages) === stage);
  return Object.fromEntries(stages.map((stage) => [stage, mean(of(stage).map(({ right }) => Number(right)))]));
}
