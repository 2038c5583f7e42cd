/** Which keys are paths, and where relative ones start. */
import { isDrawn } from '../data/settings.ts';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { Config } from './schema.ts';

const PATH_KEYS: readonly string[] = [
  'model',
  'runFolder',
  'data.trainFile',
  'data.heldOutFile',
  'data.pictureFolder',
  'learner.objective.path',
];

export function isPathKey(path: string): boolean {
  return PATH_KEYS.includes(path);
}

/** Makes every path absolute: relative ones start at `folder`. */
export function resolvePaths(config: Config, folder: string): Config {
  const { model, runFolder, data, learner } = config;
  const { objective } = learner;
  const resolved = objective.type === 'module' ? { ...objective, path: resolve(folder, objective.path) } : objective;
  return {
    ...config,
    model: resolve(folder, model),
    runFolder: resolve(folder, runFolder),
    data: resolveData(data, folder),
    learner: { ...learner, objective: resolved },
  };
}

function resolveData(data: Config['data'], folder: string): Config['data'] {
  if (isDrawn(data)) return data;
  const { trainFile, heldOutFile, pictureFolder } = data;
  return {
    ...data,
    trainFile: resolveEach(folder, trainFile),
    ...(heldOutFile !== undefined && { heldOutFile: resolveEach(folder, heldOutFile) }),
    ...(pictureFolder !== undefined && { pictureFolder: resolve(folder, pictureFolder) }),
  };
}

/** A path, or a list of them. */
export function resolveEach(folder: string, path: string | readonly string[]): string | string[] {
  return typeof path === 'string' ? resolve(folder, path) : path.map((each) => resolve(folder, each));
}

/** As it is written in a setting: a path, or a list of paths such as `[a.jsonl, b.jsonl]`. */
export function parsePaths(text: string): string | readonly string[] {
  const list: unknown = /^\[.*\]$/s.test(text) ? parse(text) : undefined;
  return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : text;
}
