/** The model folder of a run on a worker's disk: fetched once, file by file, under the hash of its content. */
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { missingFolder } from '../compute/hf/missing-folder.ts';
import { weightFiles } from '../compute/hf/shards.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import { fetchFile, hashOfFile, type BlobSource } from './download.ts';
import { hashOf, type Setup } from './wire.ts';

export type ModelFile = Setup['model'][number];

/** Configuration, tokenizer, chat template, picture processor; weights are listed by name. */
const TEXTS = /^[\w.-]+\.(?:json|jinja|txt)$/;
const ADAPTER = 'adapter_config.json';
/** Folders of models that a worker keeps, those used last. */
const KEPT = 3;

/** @throws InputError when the folder is missing, or holds an adapter of another folder. */
export async function listModel(folder: string): Promise<readonly ModelFile[]> {
  const names = await readdir(folder).catch((error: Error) => {
    throw new InputError(missingFolder(folder) ?? `${folder} cannot be read: ${error.message}`);
  });
  if (names.includes(ADAPTER))
    throw new InputError(`${folder} holds an adapter, and workers need the model itself: merge it first (${ADAPTER})`);
  const weights = new Set((await weightFiles(folder)).map((path) => basename(path)));
  const files: ModelFile[] = [];
  for (const name of names.filter((each) => TEXTS.test(each) || weights.has(each)).toSorted()) {
    const path = join(folder, name);
    const found = await stat(path);
    if (found.isFile()) files.push({ name, size: found.size, sha: await hashOfFile(path) });
  }
  return files;
}

/** @param name of the worker: workers of other names on this machine fetch on their own. @returns the folder. */
export async function fetchModel(
  source: () => BlobSource,
  files: readonly ModelFile[],
  cache: string,
  name: string,
): Promise<string> {
  const models = join(cache, 'models');
  const folder = join(models, hashOf(files).slice(0, 32));
  makeFolder(folder, 0o700);
  for (const file of files)
    await fetchFile(source, file, join(folder, file.name), join(folder, `.${file.name}.${name}.part`));
  const now = new Date();
  utimesSync(folder, now, now);
  dropOld(models);
  return folder;
}

function dropOld(models: string): void {
  const age = (folder: string): number => (existsSync(folder) ? statSync(folder).mtimeMs : 0);
  const folders = readdirSync(models).map((each) => join(models, each));
  for (const folder of folders.toSorted((a, b) => age(b) - age(a)).slice(KEPT))
    rmSync(folder, { recursive: true, force: true });
}
