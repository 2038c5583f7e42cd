/**
 * `quorum experiment methods`: runs the cells one after the other and writes the tables, again after each cell, so that
 * they are never far behind.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../lib/make-folder.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import { writeFileWhole } from '../store/files.ts';
import { openBench, type Bench, type BenchOptions } from './bench.ts';
import { cellName, type Cell, type CellResult } from './cell.ts';
import { estimate, type Estimate } from './estimate.ts';
import { expectations, type Tables } from './expectations.ts';
import { htmlOf } from './html.ts';
import { METHODS } from './methods.ts';
import { planOf, type PlanOptions } from './plan.ts';
import { knownResult, runCell } from './run-cell.ts';
import { rowsOf } from './statistics.ts';
import { csvOf, markdownOf } from './text.ts';

export interface ExperimentOptions
  extends Omit<BenchOptions, 'questions'>, Pick<PlanOptions, 'seeds' | 'ablations' | 'objectives'> {
  /** Names of methods; default: all. */
  readonly methods?: readonly string[];
  /** Budget of each run: as many questions as this many full batches hold. */
  readonly budgetSteps: number;
  /** The experiment ends after them, with what it has; the same call continues it. Default: no limit. */
  readonly minutes?: number;
  readonly signal: AbortSignal;
}

export type ExperimentProgress =
  | { readonly type: 'estimate'; readonly estimate: Estimate }
  | { readonly type: 'cell'; readonly at: number; readonly of: number; readonly name: string }
  | { readonly type: 'result'; readonly name: string; readonly result: CellResult };

export interface ExperimentResult extends Tables {
  /** Runs that the time did not suffice for. */
  readonly left: number;
}

/** Kept questions of a step; a variation that changes it keeps the number of samples. */
const BATCH_GROUPS = 32;

/** Milliseconds, 24 days: a timer cannot be longer. */
const LONGEST = 2 ** 31 - 1;

/** Marks the folder as an experiment's, so that the same command continues it; older ones are known by their cells. */
const MARK = 'experiment.json';

export function isExperiment(folder: string): boolean {
  return [MARK, 'cells'].some((name) => existsSync(join(folder, name)));
}

/** Call before anything is written to the folder of an experiment. */
export function markExperiment(folder: string): void {
  makeFolder(folder);
  writeFileWhole(join(folder, MARK), `${JSON.stringify({ format: 1 })}\n`);
}

/** @throws InputError for an unknown method or a bad model, CancelledError when `signal` aborts. */
export async function runExperiment(
  options: ExperimentOptions,
  show: (progress: ExperimentProgress) => void,
): Promise<ExperimentResult> {
  const { methods = METHODS.map(({ name }) => name), minutes } = options;
  refuseUnknown(methods);
  const bench = await openBench({ ...options, questions: options.budgetSteps * BATCH_GROUPS });
  markExperiment(options.folder);
  const trained = planOf({ ...options, methods, hardData: bench.hardSuite !== undefined });
  const base = options.seeds.map((seed): Cell => ({ method: 'base', seed, config: {} }));
  const cells = [...base, ...trained];
  const known = cells.flatMap((cell) => knownResult(bench, cell) ?? []);
  show({ type: 'estimate', estimate: await estimate(bench, known, cells.length - known.length) });
  const late = minutes === undefined ? undefined : AbortSignal.timeout(Math.min(LONGEST, Math.ceil(minutes * 60_000)));
  const results: CellResult[] = [];
  for (const [at, cell] of cells.entries()) {
    const name = cellName(cell);
    show({ type: 'cell', at: at + 1, of: cells.length, name });
    const result = await unlessLate(late, options.signal, (signal) => runCell(bench, cell, signal));
    if (result === undefined) break;
    results.push(result);
    show({ type: 'result', name, result });
    writeTables(bench, results);
  }
  return { ...tablesOf(results), left: cells.length - results.length };
}

/** Undefined when `late` ended the work. */
async function unlessLate<T>(
  late: AbortSignal | undefined,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(late === undefined ? stop : AbortSignal.any([late, stop]));
  } catch (error) {
    if (error instanceof CancelledError && late?.aborted === true && !stop.aborted) return undefined;
    throw error;
  }
}

function refuseUnknown(methods: readonly string[]): void {
  const known = METHODS.map(({ name }) => name);
  const unknown = methods.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new InputError(`--methods: there is no method ${unknown}; known are ${known.join(', ')}`);
}

function tablesOf(results: readonly CellResult[]): Tables {
  const rows = rowsOf(results);
  return { rows, expectations: expectations(rows) };
}

function writeTables(bench: Bench, results: readonly CellResult[]): void {
  const tables = tablesOf(results);
  writeFileWhole(join(bench.folder, 'tables.md'), markdownOf(tables, bench.common));
  writeFileWhole(join(bench.folder, 'tables.csv'), csvOf(tables.rows));
  writeFileWhole(join(bench.folder, 'tables.html'), htmlOf(tables, results, bench.common));
}
