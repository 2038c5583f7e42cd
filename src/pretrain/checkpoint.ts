/**
 * State of an unfinished pretraining run: one safetensors file in the model's folder, replaced atomically and removed
 * at the end.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Specs } from '../compute/engine/engine.ts';
import { readSafetensors, writeSafetensors } from '../compute/hf/safetensors.ts';
import { InputError } from '../protocol/errors.ts';
import { f32, type TensorMap } from '../protocol/tensor.ts';
import type { TrainState } from './parallel-trainer.ts';

const fileIn = (folder: string): string => join(folder, 'pretrain-state.safetensors');

export function hasState(folder: string): boolean {
  return existsSync(fileIn(folder));
}

export async function saveState(folder: string, seed: number, { weights, moments, step }: TrainState): Promise<void> {
  await writeSafetensors(fileIn(folder), {
    ...prefixed('weight', weights),
    ...prefixed('first', moments.first),
    ...prefixed('second', moments.second),
    position: f32([2], [step, seed]),
  });
}

/** @throws InputError when the state belongs to another seed or another model. */
export async function loadState(folder: string, seed: number, specs: Specs): Promise<TrainState> {
  const file = fileIn(folder);
  const tensors = await readSafetensors(file);
  const [step, savedSeed] = tensors['position']?.data ?? [];
  if (step === undefined || savedSeed !== seed) {
    throw new InputError(
      `${file}: belongs to a run with seed ${savedSeed}, not ${seed}; use that seed, or remove the file to start over`,
    );
  }
  const part = (kind: string): TensorMap =>
    Object.fromEntries(
      Object.entries(specs).map(([name, { shape }]) => {
        const tensor = tensors[`${kind}/${name}`];
        if (tensor?.shape.join() !== shape.join())
          throw new InputError(
            `${file}: tensor "${kind}/${name}" does not fit the model; remove the file to start over`,
          );
        return [name, tensor];
      }),
    );
  return { weights: part('weight'), moments: { first: part('first'), second: part('second') }, step };
}

function prefixed(prefix: string, tensors: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
}

export async function removeState(folder: string): Promise<void> {
  await rm(fileIn(folder), { force: true });
}
