/**
 * `quorum experiment methods`: runs the cells one after the other and writes the tables, again after each cell, so that
 * they are never far behind.
 */
import { join } from 'node:path';
import { configSchema } from '../config/schema.ts';
import { InputError } from '../protocol/errors.ts';
import { writeFileWhole } from '../store/files.ts';
import { openBench, type Bench, type BenchOptions } from './bench.ts';
import { cellName, type Cell, type CellResult } from './cell.ts';
import { estimate, type Estimate, type Work } from './estimate.ts';
import { expectations, type Tables } from './expectations.ts';
import { htmlOf } from './html.ts';
import { METHODS } from './methods.ts';
import { planOf, type PlanOptions } from './plan.ts';
import { knownResult, runCell } from './run-cell.ts';
import { afterMinutes, BATCH_GROUPS, markExperiment, PROBE_QUESTIONS, unlessLate } from './session.ts';
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

/** @throws InputError for an unknown method or a bad model, CancelledError when `signal` aborts. */
export async function runExperiment(
  options: ExperimentOptions,
  show: (progress: ExperimentProgress) => void,
): Promise<ExperimentResult> {
  const { methods = METHODS.map(({ name }) => name) } = options;
  refuseUnknown(methods);
  const bench = await openBench({ ...options, questions: options.budgetSteps * BATCH_GROUPS });
  markExperiment(options.folder);
  const trained = planOf({
    ...options,
    methods,
    hardData: bench.hardSuite !== undefined,
    ladder: options.data === 'ladder',
  });
  const base = options.seeds.map((seed): Cell => ({ method: 'base', seed, config: {} }));
  const cells = [...base, ...trained];
  show({ type: 'estimate', estimate: await estimateOf(bench, cells) });
  const late = afterMinutes(options.minutes);
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

async function estimateOf(bench: Bench, cells: readonly Cell[]): Promise<Estimate> {
  const { model, config, suites, common } = bench;
  const { samples } = configSchema.parse(config).sampling;
  const work = ({ method }: Cell): Work => ({
    trained: method === 'base' ? 0 : common.questions * samples,
    measured: suites.length * common.suiteQuestions * (1 + common.k),
  });
  const done = cells.flatMap((cell) => {
    const known = knownResult(bench, cell);
    return known === undefined ? [] : [{ ...work(cell), seconds: known.seconds + (known.measureSeconds ?? 0) }];
  });
  const left = cells.filter((cell) => knownResult(bench, cell) === undefined).map(work);
  const questions = Array.from({ length: PROBE_QUESTIONS }, (_, i) => {
    const { dataset } = suites[i % suites.length]!;
    return dataset.question(Math.floor(i / suites.length) % dataset.size);
  });
  return estimate({ model, config, questions }, done, left);
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
