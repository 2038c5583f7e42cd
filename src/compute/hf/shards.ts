/**
 * The weights of a folder: one `model.safetensors`, or shards that `model.safetensors.index.json` lists, as
 * transformers has them.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import {
  asWritten,
  bytesOf,
  locateSafetensors,
  parseJson,
  readSafetensors,
  safetensorsBytes,
  type StoredTypes,
  type WrittenTensor,
  type WrittenTensors,
} from './safetensors.ts';
import type { StoredWeights } from './stored.ts';

const WHOLE = 'model.safetensors';
const INDEX = `${WHOLE}.index.json`;

/** Bytes of a shard at most, unless one tensor is larger: transformers' own default. */
const SHARD_BYTES = 5e9;

/** Paths of the files that hold the weights. @throws InputError for an index that is damaged. */
export async function weightFiles(folder: string): Promise<readonly string[]> {
  const [whole, indexFile] = [join(folder, WHOLE), join(folder, INDEX)];
  const index = (await exists(whole)) ? undefined : await readFile(indexFile, 'utf8').catch(() => undefined);
  const names = index === undefined ? [WHOLE] : [...new Set(Object.values(parseIndex(index, indexFile)))];
  return names.map((name) => join(folder, name));
}

/** Reads `model.safetensors`, or, if missing, the shards that `model.safetensors.index.json` lists. */
export async function readCheckpoint(folder: string): Promise<TensorMap> {
  return fromFiles(folder, readSafetensors);
}

/** Places of the folder's tensors. @throws InputError as `readCheckpoint`. */
export async function locateCheckpoint(folder: string): Promise<StoredWeights> {
  return fromFiles(folder, locateSafetensors);
}

async function fromFiles<T>(
  folder: string,
  read: (file: string) => Promise<Readonly<Record<string, T>>>,
): Promise<Readonly<Record<string, T>>> {
  const whole = join(folder, WHOLE);
  const indexFile = join(folder, INDEX);
  const index = (await exists(whole)) ? undefined : await readFile(indexFile, 'utf8').catch(() => undefined);
  if (index === undefined) {
    if (!(await exists(whole))) await refusePickle(folder);
    return await read(whole);
  }
  const weightMap = parseIndex(index, indexFile);
  const tensors: Record<string, T> = {};
  for (const shard of new Set(Object.values(weightMap))) {
    const file = join(folder, shard);
    const found = await read(file);
    for (const [name, home] of Object.entries(weightMap)) {
      if (home !== shard) continue;
      const tensor = found[name];
      if (!tensor)
        throw new InputError(`${file}: tensor "${name}" is missing; ${basename(indexFile)} says that it is here`);
      tensors[name] = tensor;
    }
  }
  return tensors;
}

/** @throws InputError when there are weights that only running code could read */
async function refusePickle(folder: string): Promise<void> {
  const pickle = (await readdir(folder).catch(() => [])).find((name) => /\.(?:bin|pt|pth|ckpt|pkl)$/.test(name));
  if (pickle === undefined) return;
  throw new InputError(
    `${join(folder, pickle)}: a pickle, which runs code when it is read: convert it to ${WHOLE} first`,
  );
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

function parseIndex(text: string, file: string): Record<string, string> {
  const parsed = z.looseObject({ weight_map: z.record(z.string(), z.string()) }).safeParse(parseJson(text, file));
  if (!parsed.success) throw new InputError(`${file}: expected {"weight_map": {tensor: shard file}}`);
  for (const shard of Object.values(parsed.data.weight_map)) {
    if (shard !== basename(shard))
      throw new InputError(`${file}: shard ${JSON.stringify(shard)} is outside the folder`);
  }
  return parsed.data.weight_map;
}

/**
 * Writes one file, or shards and their index if it would be larger than `shardBytes`. @returns names of the files
 * that hold weights.
 */
export function writeCheckpoint(
  folder: string,
  tensors: TensorMap,
  types: StoredTypes = 'F32',
  shardBytes = SHARD_BYTES,
): Promise<readonly string[]> {
  return writeShards(folder, asWritten(tensors, types), shardBytes);
}

/** The same of tensors that need not be in memory. */
export async function writeShards(
  folder: string,
  tensors: WrittenTensors,
  shardBytes = SHARD_BYTES,
): Promise<readonly string[]> {
  const shards = divided(tensors, shardBytes);
  if (shards.length === 1) {
    await writeWhole(join(folder, WHOLE), safetensorsBytes(tensors));
    return [WHOLE];
  }
  const number = (n: number): string => String(n).padStart(5, '0');
  const weightMap: Record<string, string> = {};
  for (const [i, shard] of shards.entries()) {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    await writeWhole(join(folder, file), safetensorsBytes(shard));
    for (const name of Object.keys(shard)) weightMap[name] = file;
  }
  const total = Object.values(tensors).reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  await writeWhole(join(folder, INDEX), [
    `${JSON.stringify({ metadata: { total_size: total }, weight_map: weightMap }, null, 2)}\n`,
  ]);
  return [...new Set(Object.values(weightMap))];
}

/** In order, as many tensors to a shard as fit. */
function divided(tensors: WrittenTensors, shardBytes: number): WrittenTensors[] {
  const shards: Record<string, WrittenTensor>[] = [{}];
  let filled = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const bytes = bytesOf(tensor);
    if (filled > 0 && filled + bytes > shardBytes) {
      shards.push({});
      filled = 0;
    }
    shards.at(-1)![name] = tensor;
    filled += bytes;
  }
  return shards;
}
