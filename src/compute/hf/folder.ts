/** A model as an ordinary Hugging Face folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../protocol/tensor.ts';
import { weightSpecs } from '../model/weights.ts';
import { parseConfig, type ModelConfig } from './config.ts';
import { parseJson, readCheckpoint } from './safetensors.ts';

/** @throws InputError */
export async function loadConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.json');
  return parseConfig(parseJson(await readText(file), file), file);
}

/** Weights under their hub names, checked against the config. @throws InputError naming a missing, unexpected or misshapen tensor. */
export async function loadParams(folder: string, config: ModelConfig): Promise<TensorMap> {
  const stored = await readCheckpoint(folder);
  const found = new Map(Object.entries(stored).map(([name, tensor]) => [hubName(name), tensor]));
  // A tied head may be stored all the same; the embedding stands for both.
  if (config.text.tieEmbeddings) found.delete('lm_head.weight');
  const params: Record<string, HostTensor> = {};
  for (const [name, spec] of Object.entries(weightSpecs(config))) {
    const tensor = found.get(name);
    if (!tensor) throw new InputError(`${folder}: tensor "${name}" is missing; config.json asks for shape [${spec.shape.join(', ')}]`);
    if (tensor.shape.join() !== spec.shape.join()) {
      throw new InputError(`${folder}: tensor "${name}" has shape [${tensor.shape.join(', ')}]; config.json asks for [${spec.shape.join(', ')}]`);
    }
    params[name] = tensor;
    found.delete(name);
  }
  if (found.size > 0) throw new InputError(`${folder}: tensor "${[...found.keys()][0]!}" is not part of the model that config.json describes`);
  return params;
}

/** transformers' in-memory names (`model.visual.`, `model.language_model.`) -> the hub's (`visual.`, `model.`). */
function hubName(name: string): string {
  return name.replace(/^model\.visual\./, 'visual.').replace(/^model\.language_model\./, 'model.');
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file}: cannot be read: ${(error as Error).message}`);
  }
}
