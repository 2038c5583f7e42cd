/**
 * Runs one cell: trains by the daemon itself, then measures the result on every suite. A cell that was run is read from
 * disk.
 */
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluator } from '../roles/evaluator.ts';
import { merged } from '../config/merge.ts';
import { configSchema, type Config, type ConfigInput } from '../config/schema.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { Grader } from '../learn/grader.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { openForSampling } from '../policy/local/open.ts';
import { CancelledError } from '../protocol/errors.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { writeFileWhole } from '../store/files.ts';
import type { Bench } from './bench.ts';
import { cellHash, cellName, type Cell, type CellResult } from './cell.ts';
import { METHODS } from './methods.ts';

/**
 * The daemon measures little along the way: the suites are what counts. Each run ends, and the rate falls towards its
 * end.
 */
const ALONG_THE_WAY: ConfigInput = {
  learner: { schedule: { type: 'cosine', totalSteps: 60 } },
  evaluation: { fullQuestions: 20, fullEverySteps: 1_000_000 },
  dashboard: { port: null },
  guardian: { mode: 'off' },
};

/** The result of a cell that was run before. */
export function knownResult(bench: Bench, cell: Cell): CellResult | undefined {
  const file = fileOf(bench, hashOf(bench, cell));
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CellResult) : undefined;
}

function hashOf(bench: Bench, cell: Cell): string {
  const method = METHODS.find(({ name }) => name === cell.method)?.config ?? {};
  return cellHash(cell, merged(bench.config, method), bench.common);
}

function fileOf(bench: Bench, hash: string): string {
  return join(bench.folder, 'cells', `${hash}.json`);
}

/** @throws CancelledError when `signal` aborts; the next call continues the cell from there. */
export async function runCell(bench: Bench, cell: Cell, signal: AbortSignal): Promise<CellResult> {
  const known = knownResult(bench, cell);
  if (known !== undefined) return known;
  const hash = hashOf(bench, cell);
  const runFolder = join(bench.folder, 'runs', hash);
  await using grader = new Grader({ deadlineSeconds: 5 });
  const result =
    cell.method === 'base'
      ? await measureBase(bench, cell, grader, signal)
      : await train(bench, cell, runFolder, grader, signal);
  makeFolder(join(bench.folder, 'cells'));
  writeFileWhole(fileOf(bench, hash), `${JSON.stringify(result, null, 2)}\n`);
  await rm(runFolder, { recursive: true, force: true });
  return result;
}

async function train(
  bench: Bench,
  cell: Cell,
  runFolder: string,
  grader: Grader,
  signal: AbortSignal,
): Promise<CellResult> {
  const config = configOf(bench, cell, runFolder, grader);
  const daemon = await startDaemon(config, { signal });
  const stop = (): void => void daemon.stop();
  signal.addEventListener('abort', stop);
  const report = await daemon.closed();
  signal.removeEventListener('abort', stop);
  if (signal.aborted) throw new CancelledError(`stopped while ${cellName(cell)} ran`);
  if (report.end !== 'steps') throw new Error(`${cellName(cell)} failed: ${report.error ?? report.end}`);
  return {
    cell,
    ...(await measure({ ...config, model: report.folder }, bench, cell, signal, grader)),
    history: report.history,
    steps: report.steps,
    samples: report.groups.sampled * config.sampling.samples,
    seconds: report.wallSeconds,
  };
}

function configOf(bench: Bench, cell: Cell, runFolder: string, grader: Grader): Config {
  const method = METHODS.find(({ name }) => name === cell.method);
  if (method === undefined) throw new RangeError(`no method is called ${cell.method}`);
  const own: ConfigInput = {
    model: bench.model,
    runFolder,
    seed: cell.seed,
    loop: { questions: bench.common.questions },
  };
  const settings = [ALONG_THE_WAY, bench.config, method.config, cell.config, own].reduce(merged);
  const judge = method.judge?.({ grader, labels: bench.labels });
  const sampler = method.sampler?.();
  return configSchema.parse({ ...settings, plugins: [judge, sampler].filter((plugin) => plugin !== undefined) });
}

async function measureBase(bench: Bench, cell: Cell, grader: Grader, signal: AbortSignal): Promise<CellResult> {
  const config = configSchema.parse([bench.config, { model: bench.model, seed: cell.seed }].reduce(merged));
  return {
    cell,
    ...(await measure(config, bench, cell, signal, grader)),
    history: [],
    steps: 0,
    samples: 0,
    seconds: 0,
  };
}

async function measure(
  config: Config,
  { suites, hardSuite, common }: Bench,
  { onHardData }: Cell,
  signal: AbortSignal,
  grader: Grader,
): Promise<Required<Pick<CellResult, 'suites' | 'measureSeconds'>>> {
  const started = performance.now();
  await using sampler = await openForSampling(config);
  const { suiteQuestions, k } = common;
  const settings = {
    ...config,
    evaluation: { ...config.evaluation, questions: suiteQuestions, fullQuestions: suiteQuestions, k },
  };
  const measured: Record<string, Accuracy> = {};
  for (const { name, dataset, labels } of onHardData === true && hardSuite ? [hardSuite] : suites) {
    const { full } = await evaluator({ sampler, heldOut: dataset, labels, grader, config: settings })(
      { version: 0, full: true },
      signal,
    );
    measured[name] = full!;
  }
  return { suites: measured, measureSeconds: (performance.now() - started) / 1000 };
}
