/** An adapter on disk, in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../protocol/tensor.ts';
import type { StoredType } from '../hf/half.ts';
import { parseJson, readSafetensors, writeSafetensors } from '../hf/safetensors.ts';
import type { Adaptable, Adapter } from './adapter.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The prefix of PEFT's tensor names. */
const PREFIX = 'base_model.model.';

/** @param base path or hub name of the model that the adapter belongs to */
export async function saveAdapter(
  folder: string,
  model: Adaptable,
  adapter: Adapter,
  weights: TensorMap,
  base: string,
): Promise<void> {
  const config = { base_model_name_or_path: base, ...adapter.peft };
  await writeWhole(join(folder, ADAPTER_CONFIG), [`${JSON.stringify(config, null, 2)}\n`]);
  const named = Object.entries(weights).map(([name, tensor]) => [peftName(model, adapter, name), tensor] as const);
  await writeSafetensors(join(folder, ADAPTER_WEIGHTS), Object.fromEntries(named));
}

export function adapterFiles(folder: string): readonly string[] {
  return [join(folder, ADAPTER_CONFIG), join(folder, ADAPTER_WEIGHTS)];
}

/** Copies only the adapter's two files into a new folder and stores its numbers as `type`. @throws InputError */
export async function copyAdapter(from: string, to: string, type: StoredType = 'F32'): Promise<void> {
  makeFolder(to);
  await writeWhole(join(to, ADAPTER_CONFIG), [await readFile(join(from, ADAPTER_CONFIG))]);
  await writeSafetensors(join(to, ADAPTER_WEIGHTS), await readSafetensors(join(from, ADAPTER_WEIGHTS)), type);
}

/**
 * Reads the weights of `adapter`, in its order. @throws InputError when the folder's adapter has other settings, or a
 * tensor is missing or does not fit.
 */
export async function loadAdapter(folder: string, model: Adaptable, adapter: Adapter): Promise<TensorMap> {
  const config = await adapterConfig(folder);
  if (config === undefined)
    throw new InputError(
      `${folder}: holds a whole model, but \`learner.adapter\` asks for an adapter: set \`learner.adapter.type\` to none, or begin another run from it: --model ${folder}`,
    );
  const differ = Object.keys(adapter.peft).find(
    (field) => JSON.stringify(config[field]) !== JSON.stringify(adapter.peft[field]),
  );
  if (differ !== undefined)
    throw new InputError(
      `${join(folder, ADAPTER_CONFIG)}: ${differ} is ${shown(config[differ])}, but \`learner.adapter\` asks for ${shown(adapter.peft[differ])}: ` +
        'set `learner.adapter` back to what the run was begun with, or choose another run folder',
    );
  const stored = await readAdapterTensors(folder, model, adapter.parts);
  return Object.fromEntries(
    Object.entries(adapter.trainable).map(([name, { shape }]) => {
      const tensor = stored[name];
      if (tensor?.shape.join() !== shape.join())
        throw new InputError(
          `${join(folder, ADAPTER_WEIGHTS)}: tensor "${peftName(model, adapter, name)}" does not fit ${ADAPTER_CONFIG}`,
        );
      return [name, tensor];
    }),
  );
}

/** Returns undefined when the folder holds no adapter. @throws InputError */
export async function adapterConfig(folder: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const file = join(folder, ADAPTER_CONFIG);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : ((parseJson(text, file) ?? {}) as Record<string, unknown>);
}

/**
 * Reads the tensors under the names of `Adapter.trainable`. @throws InputError naming a tensor that belongs to no
 * layer of the model.
 */
export async function readAdapterTensors(
  folder: string,
  model: Adaptable,
  parts: readonly string[],
): Promise<TensorMap> {
  const file = join(folder, ADAPTER_WEIGHTS);
  const tensors: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(await readSafetensors(file))) {
    const part = parts.find((each) => name.endsWith(`.${each}`));
    const module = part === undefined || !name.startsWith(PREFIX) ? undefined : name.slice(PREFIX.length, -part.length);
    const weight = module === undefined ? undefined : model.parameterName(`${module}weight`);
    if (part === undefined || weight === undefined || !(weight in model.parameters))
      throw new InputError(
        `${file}: tensor "${name}" belongs to no linear layer of the model that the base's config.json describes`,
      );
    tensors[weight.slice(0, -'weight'.length) + part] = tensor;
  }
  return tensors;
}

function peftName(model: Adaptable, { parts }: Adapter, name: string): string {
  const part = parts.find((each) => name.endsWith(`.${each}`))!;
  const layer = name.slice(0, -part.length);
  return `${PREFIX}${model.moduleOf?.(`${layer}weight`)}.${part}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'not there';
  return text.length > 60 ? `${text.slice(0, 60)} ...` : text;
}
