/** From the configuration's `data` to what the loop learns from and what it is measured on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { InputError } from '../protocol/errors.ts';
import { listDataset, type Dataset, type LabelledDataset, type Labels } from './dataset.ts';
import { openFigures } from './figures/dataset.ts';
import { openJsonl } from './jsonl.ts';
import { openParquet } from './parquet.ts';
import type { OpenOptions } from './rows.ts';
import { isParquet } from './shards.ts';
import { splitByPicture } from './split.ts';

export interface OpenedData {
  /** What the questioner asks. */
  readonly train: Dataset;
  /** What the evaluator asks; no picture of it is in `train`. */
  readonly heldOut: Dataset;
  /** Of the held-out questions; for the evaluator alone. */
  readonly labels: Labels;
  /** Of the questions that are trained on; for plug-ins that the user allows labels, as a supervised reward, and for nobody else. */
  readonly trainLabels: Labels;
  /** What the user would not expect of it, in words. */
  readonly notes?: readonly string[];
}

/** @throws InputError that names the file, line or key. */
export async function openData(config: Config['data'], { picturesAlone = false }: Pick<OpenOptions, 'picturesAlone'> = {}): Promise<OpenedData> {
  if (config.type === 'figures') return openFigurePools(config);
  const { type, trainFile, heldOutFile, heldOutShare, columns } = config;
  const open = type === 'jsonl' ? openJsonl : openParquet;
  const { dataset, labels } = await open(trainFile, { columns, picturesAlone });
  if (heldOutFile !== undefined) {
    const other = await open(heldOutFile, { columns });
    return { train: dataset, heldOut: other.dataset, labels: other.labels, trainLabels: labels };
  }
  // Without questions there is nothing to measure on.
  if (dataset.size === 0) return { train: dataset, heldOut: listDataset(`${dataset.name}#heldout`, []), labels, trainLabels: labels };
  const { train, heldout, by } = await splitByPicture(dataset, heldOutShare);
  const few = `${trainFile} has too few pictures to hold some of them out: questions are held out, some of them about pictures that are trained on`;
  return { train, heldOut: heldout, labels, trainLabels: labels, ...(by === 'question' && heldout.size > 0 && { notes: [few] }) };
}

/** What a path on the command line holds. @param path a file, a folder with Parquet files or one JSONL file, or a pattern. @throws InputError */
export async function fileType(path: string): Promise<{ readonly type: 'jsonl' | 'parquet'; readonly file: string }> {
  if (await isParquet(path)) return { type: 'parquet', file: path };
  const entries = await readdir(path).catch(() => undefined);
  if (!entries) return { type: 'jsonl', file: path };
  const [file, ...more] = entries.filter((name) => name.endsWith('.jsonl'));
  if (file === undefined || more.length > 0) {
    throw new InputError(`${path}: a folder with ${more.length === 0 ? 'no' : 'several'} .jsonl files and no .parquet file; name the file`);
  }
  return { type: 'jsonl', file: join(path, file) };
}

/** A whole file, folder or pattern, whatever its format. @throws InputError as `openJsonl` and `openParquet`. */
export async function openPath(path: string, options: OpenOptions = {}): Promise<LabelledDataset> {
  const { type, file } = await fileType(path);
  return type === 'jsonl' ? openJsonl(file, options) : openParquet(file, options);
}

function openFigurePools(config: Extract<Config['data'], { type: 'figures' }>): OpenedData {
  const { seed, trainQuestions, heldOutQuestions, rendering, kinds } = config;
  const { dataset: train, labels: trainLabels } = openFigures({ pool: 'train', pictures: trainQuestions, seed, rendering, kinds, questions: 'one' });
  const { dataset: heldOut, labels } = openFigures({ pool: 'heldout', pictures: heldOutQuestions, seed, rendering, kinds, questions: 'one' });
  return { train, heldOut, labels, trainLabels };
}
