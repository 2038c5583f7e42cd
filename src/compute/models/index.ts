/**
 * The registry of model families by `model_type` of config.json. A family is a folder here and a line below. This
 * module loads no TF.js.
 */
import { InputError } from '../../protocol/errors.ts';
import type { Architecture, ModelFamily } from './family.ts';
import { qwen2_5_vl } from './qwen2_5_vl/family.ts';

const families = new Map<string, ModelFamily>();

export function registerFamily(family: ModelFamily): void {
  families.set(family.modelType, family);
}

registerFamily(qwen2_5_vl);

/** @param file names the source in errors. @throws InputError for an unknown `model_type`, or a bad field. */
export function parseModel(json: unknown, file: string): Architecture {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new InputError(`${file}: expected a JSON object`);
  const raw = json as Record<string, unknown>;
  const family = families.get(raw['model_type'] as string);
  if (family) return family.parse(raw, file);
  const found = JSON.stringify(raw['model_type']) ?? 'missing';
  const known = [...families.keys()].map((name) => JSON.stringify(name)).join(', ');
  throw new InputError(`${file}: model_type is ${found}; name the folder of a model of a known type: ${known}`);
}
