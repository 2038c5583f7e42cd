/** Opens the configuration's `data`: the training set and the held-out set of the loop. */
import type { PictureRef } from '../protocol/messages.ts';
import { storableKey } from '../protocol/storable.ts';
import { listDataset, type Dataset, type LabelledDataset, type Labels } from './dataset.ts';
import { openFigures, type FigurePool } from './figures/dataset.ts';
import { openLadder } from './figures/ladder/dataset.ts';
import { dataFilesIn, isFolder, listFiles, namesOf, rootOf } from './files.ts';
import { openRows } from './formats/detect.ts';
import { readEntries, type EntrySource } from './entries.ts';
import { readParquet } from './parquet.ts';
import { RowCollector, type Entry, type OpenOptions } from './rows.ts';
import { isDrawn, type DataSettings, type FigureSettings, type LadderSettings } from './settings.ts';
import { splitByPicture } from './split.ts';
import { splitOf } from './splits.ts';

export interface OpenedData {
  /** The questioner's questions. */
  readonly train: Dataset;
  /** The evaluator's questions; none of their pictures is in `train`. */
  readonly heldOut: Dataset;
  /** Labels of the held-out questions, for the evaluator only. */
  readonly labels: Labels;
  /** Labels of the training questions, only for plug-ins that the user allows labels, such as a supervised reward. */
  readonly trainLabels: Labels;
  /** Notes for the user on unexpected properties of the data. */
  readonly notes?: readonly string[];
}

/** @throws InputError that names the file, line or key. */
export async function openData(
  config: DataSettings,
  { picturesAlone = false }: Pick<OpenOptions, 'picturesAlone'> = {},
): Promise<OpenedData> {
  if (isDrawn(config)) return openDrawn(config);
  const { trainFile, heldOutFile, heldOutShare, heldOutSplit } = config;
  const options = openOptions(config);
  const { dataset, labels, notes = [] } = await openPaths(pathsOf(trainFile), { ...options, picturesAlone });
  if (heldOutFile !== undefined || heldOutSplit !== undefined) {
    const other = await openPaths(pathsOf(heldOutFile ?? trainFile), { ...options, split: heldOutSplit });
    return {
      train: dataset,
      heldOut: other.dataset,
      labels: other.labels,
      trainLabels: labels,
      notes: [...notes, ...(other.notes ?? [])],
    };
  }
  const nothing = listDataset(`${dataset.name}#${heldOutShare === 1 ? 'train' : 'heldout'}`, []);
  if (dataset.size === 0 || heldOutShare === 0)
    return { train: dataset, heldOut: nothing, labels, trainLabels: labels, notes };
  if (heldOutShare === 1) return { train: nothing, heldOut: dataset, labels, trainLabels: labels, notes };
  const { train, heldout, by } = await splitByPicture(dataset, heldOutShare);
  const few = `${dataset.name} has too few pictures to hold some of them out: questions are held out, some of them about pictures that are trained on`;
  return {
    train,
    heldOut: heldout,
    labels,
    trainLabels: labels,
    notes: [...notes, ...(by === 'question' && heldout.size > 0 ? [few] : [])],
  };
}

/** The paths of a setting that is a path or a list of paths. */
export function pathsOf(setting: string | readonly string[]): readonly string[] {
  return typeof setting === 'string' ? [setting] : setting;
}

/**
 * The configuration's `type` for paths on the command line: the older name `jsonl` or `parquet` when all files have
 * that format, so that a run of an older Quorum finds its setting unchanged. A folder with one JSONL file counts as
 * that file. @throws InputError without data.
 */
export async function dataSetting(
  paths: readonly string[],
): Promise<{ readonly type: 'files' | 'jsonl' | 'parquet'; readonly file: string }> {
  const only = paths.length === 1 && (await isFolder(paths[0]!)) ? await dataFilesIn(paths[0]!) : undefined;
  const [path] = only?.length === 1 && only[0]!.endsWith('.jsonl') ? only : paths;
  const names = only ?? paths;
  if (names.length === 0) await listFiles(path!); // says why
  const type =
    (['jsonl', 'parquet'] as const).find((format) => names.every((name) => name.endsWith(`.${format}`))) ?? 'files';
  return { type, file: paths.length === 1 ? path! : JSON.stringify(paths) };
}

/**
 * All rows of the files that paths, folders and patterns name, as one data set.
 * @throws InputError naming file, line or row, and column.
 */
export async function openPaths(paths: readonly string[], options: OpenOptions = {}): Promise<LabelledDataset> {
  const rows = new RowCollector();
  const refs = new Map<string, PictureRef>();
  const files: { readonly path: string; readonly root: string }[] = [];
  for (const path of paths) {
    const root = await rootOf(path);
    files.push(...(await listFiles(path, options.split)).map((file) => ({ path: file, root })));
  }
  const names = namesOf(files.map(({ path }) => path));
  for (const [i, { path, root }] of files.entries()) {
    // A split in the names overrides a column.
    const split = splitOf(path, root) === undefined ? options.split : undefined;
    for await (const entry of readFile({ path, name: storableKey(names[i]!), refs }, { ...options, split }))
      await rows.add(entry);
  }
  const others = paths.length > 3 ? ` and ${paths.length - 3} others` : '';
  return rows.finish(`${paths.slice(0, 3).join(', ')}${others}`, options);
}

/** The configuration's settings for reading files, without their paths. */
export function openOptions(data: DataSettings): OpenOptions {
  if (isDrawn(data)) return {};
  const { split, columns, pictureFolder, answerIs } = data;
  return { split, columns, pictureFolder, answerIs };
}

/** Rows in order, from a file of any format. @throws InputError naming file, line or row, and column. */
export async function* readFile(source: EntrySource, options: OpenOptions = {}): AsyncGenerator<Entry> {
  const rows = await openRows(source.path);
  yield* rows === undefined ? readParquet(source, options) : readEntries(rows, source, options);
}

function openDrawn(config: FigureSettings | LadderSettings): OpenedData {
  const { dataset: train, labels: trainLabels } = openPool(config, 'train', config.trainQuestions);
  const { dataset: heldOut, labels } = openPool(config, 'heldout', config.heldOutQuestions);
  return { train, heldOut, labels, trainLabels };
}

/** One question a picture. */
function openPool(config: FigureSettings | LadderSettings, pool: FigurePool, pictures: number): LabelledDataset {
  const { seed, rendering } = config;
  if (config.type === 'ladder') return openLadder({ pool, pictures, seed, rendering, families: config.families });
  return openFigures({ pool, pictures, seed, rendering, kinds: config.kinds, questions: 'one' });
}
