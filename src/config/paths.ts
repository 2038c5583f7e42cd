/** Which keys are paths, and where relative ones start. */
import { resolve } from 'node:path';
import type { Config } from './schema.ts';

const PATH_KEYS: readonly string[] = ['model', 'runFolder', 'data.trainFile', 'data.heldOutFile'];

export function isPathKey(path: string): boolean {
  return PATH_KEYS.includes(path);
}

/** Makes every path absolute: relative ones start at `folder`. */
export function resolvePaths(config: Config, folder: string): Config {
  const { model, runFolder, data } = config;
  return { ...config, model: resolve(folder, model), runFolder: resolve(folder, runFolder), data: resolveData(data, folder) };
}

function resolveData(data: Config['data'], folder: string): Config['data'] {
  if (data.type === 'figures') return data;
  const { trainFile, heldOutFile } = data;
  return { ...data, trainFile: resolve(folder, trainFile), ...(heldOutFile !== undefined && { heldOutFile: resolve(folder, heldOutFile) }) };
}
