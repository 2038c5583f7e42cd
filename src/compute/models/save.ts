/** Writes a model as an ordinary Hugging Face folder that transformers and vLLM load. */
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import { flushFolder, writeWhole } from '../../lib/whole-file.ts';
import { sizeOf, type TensorMap } from '../../protocol/tensor.ts';
import { ADAPTER_CONFIG } from './adapter-folder.ts';
import type { Architecture } from './family.ts';
import { CONFIG } from './adapted.ts';
import type { ModelFolder } from './folder.ts';
import type { StoredType } from '../hf/half.ts';
import { storedType, type StoredTypes } from '../hf/safetensors.ts';
import { writeCheckpoint } from '../hf/shards.ts';

/**
 * Writes a whole folder atomically: it is written next to its final path and moved there when complete, so the earlier
 * content stays until then. Weights are stored under hub names with the types in `types`, and config.json names the
 * type of most of them; above `shardBytes` (default 5 GB) they are sharded.
 */
export async function saveModelFolder(
  folder: string,
  { model, params, files }: Pick<ModelFolder, 'params' | 'files'> & { readonly model: Architecture },
  types: StoredTypes = 'F32',
  shardBytes?: number,
): Promise<void> {
  const place = join(dirname(folder), `.${basename(folder)}.${process.pid}`);
  const [fresh, old] = [`${place}.new`, `${place}.old`];
  try {
    await rm(fresh, { recursive: true, force: true });
    makeFolder(fresh);
    await writeWhole(join(fresh, CONFIG), [`${JSON.stringify(model.save(NAMES[mainType(params, types)]), null, 2)}\n`]);
    for (const [name, text] of Object.entries(files)) await writeWhole(join(fresh, name), [text]);
    await writeCheckpoint(fresh, params, types, shardBytes);
    await putInPlace(fresh, folder, old);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Moves `fresh` to `folder`; the earlier folder is kept as `old` until the move is done, and is restored if the move
 * fails.
 */
export async function putInPlace(fresh: string, folder: string, old: string): Promise<void> {
  const replaced = await rename(folder, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(fresh, folder);
  } catch (error) {
    if (replaced) await rename(old, folder);
    throw error;
  }
  flushFolder(dirname(folder));
  if (replaced) await rm(old, { recursive: true, force: true });
}

/**
 * Moves the files of the folder `fresh` into `out`. Removes earlier weights and adapters there, whose shards may have
 * other names; keeps files that belong to no model.
 */
export async function moveModelInto(out: string, fresh: string): Promise<void> {
  makeFolder(out);
  const isOld = (name: string): boolean => name === ADAPTER_CONFIG || /\.safetensors(\.index\.json)?$/.test(name);
  for (const name of (await readdir(out)).filter(isOld)) await rm(join(out, name));
  for (const name of await readdir(fresh)) await rename(join(fresh, name), join(out, name));
  await rm(fresh, { recursive: true });
}

const NAMES: Readonly<Record<StoredType, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** Returns the type that most numbers have. */
function mainType(params: TensorMap, types: StoredTypes): StoredType {
  if (typeof types === 'string') return types;
  const counts = { F32: 0, F16: 0, BF16: 0 };
  for (const [name, { shape }] of Object.entries(params)) counts[storedType(types, name)] += sizeOf(shape);
  return (Object.keys(counts) as StoredType[]).reduce((most, type) => (counts[type] > counts[most] ? type : most));
}
