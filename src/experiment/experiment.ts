/**
 * `quorum experiment tables`: runs the cells one after the other and writes the tables, again after each cell, so that
 * they are never far behind.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingFolder } from '../compute/hf/missing-folder.ts';
import { merged } from '../config/merge.ts';
import { choosePreset } from '../config/preset.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { Labels } from '../data/dataset.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { HARD_DATA, suites as openSuites } from '../data/suites.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import { writeFileWhole } from '../store/files.ts';
import { cellName, type Cell, type CellResult } from './cell.ts';
import { htmlOf } from './html.ts';
import { METHODS } from './methods.ts';
import { planOf } from './plan.ts';
import { runCell, type Bench, type Suite } from './run-cell.ts';
import { expectations, rowsOf, type Tables } from './statistics.ts';
import { csvOf, markdownOf } from './text.ts';

export interface ExperimentOptions {
  /** Hugging Face folder that every cell starts from. */
  readonly model: string;
  /** Where cells and tables go; cells that are there already are not run again. */
  readonly folder: string;
  /** Names of methods; default: all. */
  readonly methods?: readonly string[];
  readonly seeds: readonly number[];
  /** Budget of each run: as many questions as this many full batches hold. */
  readonly budgetSteps: number;
  readonly suiteQuestions: number;
  readonly k: number;
  readonly ablations: boolean;
  readonly config: ConfigInput;
  readonly signal: AbortSignal;
}

export type ExperimentProgress =
  | { readonly type: 'cell'; readonly at: number; readonly of: number; readonly name: string }
  | { readonly type: 'result'; readonly name: string; readonly result: CellResult };

/** Kept questions of a step; a variation that changes it keeps the number of samples. */
const BATCH_GROUPS = 32;
/** Every cell is measured on the same questions. */
const SUITES_SEED = 0;

/** Marks the folder as an experiment's, so that the same command continues it; older ones are known by their cells. */
const MARK = 'experiment.json';

export function isExperiment(folder: string): boolean {
  return [MARK, 'cells'].some((name) => existsSync(join(folder, name)));
}

/** @throws InputError for an unknown method or a bad model, CancelledError when `signal` aborts. */
export async function runExperiment(
  options: ExperimentOptions,
  show: (progress: ExperimentProgress) => void,
): Promise<Tables> {
  const bench = await benchOf(options);
  const trained = planOf(options.methods ?? METHODS.map(({ name }) => name), options.seeds, options.ablations);
  const base = options.seeds.map((seed): Cell => ({ method: 'base', seed, config: {} }));
  const cells = [...base, ...trained];
  const results: CellResult[] = [];
  for (const [at, cell] of cells.entries()) {
    const name = cellName(cell);
    show({ type: 'cell', at: at + 1, of: cells.length, name });
    const result = await runCell(bench, cell, options.signal);
    results.push(result);
    show({ type: 'result', name, result });
    writeTables(bench, results);
  }
  return tablesOf(results);
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

async function benchOf(options: ExperimentOptions): Promise<Bench> {
  const { model, folder, methods = [], budgetSteps, suiteQuestions, k, config } = options;
  const unknown = methods.find((name) => METHODS.every((method) => method.name !== name));
  if (unknown !== undefined)
    throw new InputError(
      `--methods: there is no method ${unknown}; known are ${METHODS.map(({ name }) => name).join(', ')}`,
    );
  makeFolder(folder);
  writeFileWhole(join(folder, MARK), `${JSON.stringify({ format: 1 })}\n`);
  const common = { model: await weightsDigest(model), questions: budgetSteps * BATCH_GROUPS, suiteQuestions, k };
  return {
    model,
    folder,
    common,
    suites: openSuites(SUITES_SEED, suiteQuestions),
    hardSuite: hardSuite(suiteQuestions),
    config: merged(choosePreset({ folder: model }).defaults, config),
    labels: trainLabels(),
  };
}

/** Of the built-in training pool as `quorum start` has it, and of the hard data's. */
function trainLabels(): Labels {
  const pool = { pool: 'train', pictures: 20_000, seed: 0, questions: 'one' } as const;
  const { rendering, kinds } = HARD_DATA;
  const [plain, hard] = [openFigures(pool).labels, openFigures({ ...pool, rendering, kinds }).labels];
  return { label: (id) => plain.label(id) ?? hard.label(id) };
}

function hardSuite(pictures: number): Suite {
  const { rendering, kinds } = HARD_DATA;
  return {
    name: 'hard data',
    ...openFigures({ pool: 'suite', seed: SUITES_SEED, pictures, questions: 'one', rendering, kinds }),
  };
}

async function weightsDigest(model: string): Promise<string> {
  const missing = missingFolder(model);
  if (missing !== undefined) throw new InputError(missing);
  const hash = createHash('sha256');
  const files = readdirSync(model).filter((name) => name.endsWith('.safetensors'));
  if (files.length === 0)
    throw new InputError(`${model} holds no .safetensors file: give a Hugging Face folder with --model`);
  for (const name of files.toSorted())
    for await (const chunk of createReadStream(join(model, name))) hash.update(chunk as Buffer);
  return hash.digest('hex').slice(0, 16);
}
