/**
 * Weights that cannot be used as they lie in the model's files, because an engine computes in another type or an adapter
 * is worked in, written once as a safetensors file into the cache folder. Every thread and process that needs them maps
 * that file.
 */
import { createHash } from 'node:crypto';
import { existsSync, rmSync, statSync, utimesSync } from 'node:fs';
import { open, readdir, rename, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheFolder } from '../../lib/cache-folder.ts';
import { freeSpace, gigabytes } from '../../lib/free-space.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { flushFolder } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import { stampOf } from './base-identity.ts';
import type { StoredType } from './half.ts';
import { asStored, bytesOf, headOf, locateSafetensors } from './safetensors.ts';
import { chunksOf, type StoredWeights } from './stored.ts';

/** The source of one tensor's values. */
export interface WeightSource {
  readonly shape: readonly number[];
  /** From first to last. */
  values(): AsyncIterable<Float32Array>;
}

/** Sets of weights that stay in the cache. Those used within `FRESH_SECONDS` stay too. */
const KEPT = 4;
const FRESH_SECONDS = 3_600;
/** A set that has grown no larger for so long was left by a process that ended. */
const STALE_SECONDS = 30;
const LOOK_SECONDS = 0.1;

/** The same weights, all of them stored as `type`. @throws InputError when the cache's disk is too small. */
export async function storedAs(weights: StoredWeights, type: StoredType): Promise<StoredWeights> {
  const others = Object.entries(weights).filter(([, { dtype }]) => dtype !== type);
  if (others.length === 0) return weights;
  const files = [...new Set(others.map(([, { file }]) => file))];
  const places = others.map(([name, { file, offset }]) => [name, files.indexOf(file), offset]);
  const sources = others.map(
    ([name, tensor]) => [name, { shape: tensor.shape, values: () => chunksOf(tensor) }] as const,
  );
  return { ...weights, ...(await cached([await stampOf(files), places], Object.fromEntries(sources), type)) };
}

/**
 * @param key says all that the values depend on
 * @throws InputError when the cache's disk is too small.
 */
export async function cached(
  key: unknown,
  sources: Readonly<Record<string, WeightSource>>,
  type: StoredType,
): Promise<StoredWeights> {
  const digest = createHash('sha256')
    .update(JSON.stringify([type, key]))
    .digest('hex');
  const file = join(cacheFolder('weights'), `${digest}.safetensors`);
  makeFolder(dirname(file));
  while (!existsSync(file)) await makeOrWait(file, sources, type);
  utimesSync(file, new Date(), new Date());
  await prune(file);
  return locateSafetensors(file);
}

/** The thread that makes the `.partial` file writes it; the others wait for it. */
async function makeOrWait(
  file: string,
  sources: Readonly<Record<string, WeightSource>>,
  type: StoredType,
): Promise<void> {
  const partial = `${file}.partial`;
  const handle = await open(partial, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw new InputError(`${partial}: cannot be written: ${error.message}; XDG_CACHE_HOME names another folder`);
  });
  if (!handle) return waitFor(partial);
  try {
    await write(handle, partial, sources, type);
    await handle.sync();
    await rename(partial, file);
    flushFolder(dirname(file));
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Returns when the file is gone, complete or left behind. */
async function waitFor(partial: string): Promise<void> {
  for (;;) {
    const found = statSync(partial, { throwIfNoEntry: false });
    if (!found) return;
    if (Date.now() - found.mtimeMs > 1_000 * STALE_SECONDS) return rmSync(partial, { force: true });
    await delay(1_000 * LOOK_SECONDS);
  }
}

async function write(
  handle: FileHandle,
  file: string,
  sources: Readonly<Record<string, WeightSource>>,
  type: StoredType,
): Promise<void> {
  const written = Object.entries(sources).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const listed = written.map(([name, { shape }]) => [name, { dtype: type, shape }] as const);
  const bytes = listed.reduce((sum, [, tensor]) => sum + bytesOf(tensor), 0);
  const { folder, free } = freeSpace(dirname(file));
  if (bytes > free)
    throw new InputError(
      `${folder}: has ${gigabytes(free)} free, but the model's weights as ${type} take ${gigabytes(bytes)}: make room, or let XDG_CACHE_HOME name another folder`,
    );
  await handle.writeFile(headOf(Object.fromEntries(listed)));
  for (const [name, source] of written)
    for await (const values of source.values()) await handle.writeFile(asStored(values, type, `tensor "${name}"`));
}

/** Removes the sets that were used longest ago. A process that has one mapped keeps it. */
async function prune(used: string): Promise<void> {
  const folder = dirname(used);
  const sets = (await readdir(folder))
    .filter((name) => name.endsWith('.safetensors') && name !== basename(used))
    .map((name) => ({
      file: join(folder, name),
      time: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .toSorted((a, b) => b.time - a.time);
  for (const { file, time } of sets.slice(KEPT - 1))
    if (Date.now() - time > 1_000 * FRESH_SECONDS) rmSync(file, { force: true });
}
