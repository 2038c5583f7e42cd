/**
 * A version on disk: an ordinary Hugging Face folder, or an adapter in PEFT's layout, with the optimizer's moments and
 * `trainer_state.json`, which names the files of tensors. Their checksums are in `checksums.json`
 * (src/store/checkpoints.ts), which is verified before a load.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../lib/make-folder.ts';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import { adapterConfig, loadAdapter, saveAdapter } from '../models/adapter-folder.ts';
import type { Adapter } from '../models/adapter.ts';
import type { ModelFolder } from '../models/folder.ts';
import { loadParams } from '../models/weights.ts';
import { putInPlace, saveModelFolder } from '../models/save.ts';
import type { StoredType } from '../hf/half.ts';
import { parseJson, readSafetensors, writeSafetensors } from '../hf/safetensors.ts';
import type { Architecture } from '../models/family.ts';
import { FIRST, SECOND } from './step.ts';
import type { TrainerState } from './trainer.ts';

const STATE = 'trainer_state.json';
const OPTIMIZER = 'optimizer.safetensors';

const stateSchema = z.object({
  version: z.int().min(0),
  updates: z.int().min(0),
  /** The files of tensors: the optimizer's and the weights'. */
  files: z.array(z.string()).optional(),
  /** Checksums by file, in checkpoints of an older Quorum; only the names are read. */
  sha256: z.record(z.string(), z.string()).optional(),
  /**
   * The stored types of the base's tensors, for an export; a checkpoint stores float32, so that a run continues bit
   * for bit.
   */
  dtypes: z.record(z.string(), z.enum(['F32', 'F16', 'BF16'])).optional(),
});

/** The model to which a version belongs. */
export type CheckpointBase = Pick<ModelFolder, 'files' | 'dtypes'> & {
  readonly model: Architecture;
  /** Set when an adapter is trained. */
  readonly adapter?: Adapter | undefined;
  /** Folder of the model. */
  readonly folder?: string;
};

/** Saves atomically: `folder` holds either the whole checkpoint or its earlier content. */
export async function saveCheckpoint(
  folder: string,
  version: number,
  base: CheckpointBase,
  state: TrainerState,
): Promise<void> {
  const staged = join(dirname(folder), `.${basename(folder)}.${process.pid}.staged`);
  try {
    await saveWeights(staged, base, state.weights);
    await writeSafetensors(join(staged, OPTIMIZER), {
      ...prefixed(FIRST, state.moments.first),
      ...prefixed(SECOND, state.moments.second),
    });
    const files = (await readdir(staged)).filter(isTensors).toSorted();
    await writeWhole(join(staged, STATE), [
      `${JSON.stringify({ version, updates: state.updates, files, dtypes: base.dtypes }, null, 2)}\n`,
    ]);
    await putInPlace(staged, folder, `${staged}.old`);
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    throw error;
  }
}

/** @throws InputError when a file is missing, damaged, or of another model or version. */
export async function loadCheckpoint(
  folder: string,
  version: number,
  base: Pick<CheckpointBase, 'model' | 'adapter'>,
): Promise<TrainerState> {
  const file = join(folder, STATE);
  const found = await readState(file);
  const { updates } = found;
  if (found.version !== version) throw new InputError(`${file}: holds version ${found.version}, not ${version}`);
  // A file that the state does not name is as much an error as a named file that is missing.
  const named = new Set([OPTIMIZER, ...(found.files ?? Object.keys(found.sha256 ?? {}))]);
  const there = new Set((await readdir(folder)).filter(isTensors));
  for (const name of named) if (!there.has(name)) throw new InputError(`${join(folder, name)}: is missing`);
  for (const name of there) {
    if (!named.has(name))
      throw new InputError(`${join(folder, name)}: ${STATE} does not name it; take it out of the folder`);
  }
  const weights = await loadWeights(folder, base);
  const stored = await readSafetensors(join(folder, OPTIMIZER));
  const moments = (prefix: string): TensorMap =>
    Object.fromEntries(
      Object.entries(weights).map(([name, { shape }]) => {
        const tensor = stored[prefix + name];
        if (tensor?.shape.join() !== shape.join())
          throw new InputError(`${join(folder, OPTIMIZER)}: tensor "${prefix}${name}" does not fit the weights`);
        return [name, tensor];
      }),
    );
  return { weights, moments: { first: moments(FIRST), second: moments(SECOND) }, updates };
}

async function saveWeights(
  folder: string,
  { adapter, folder: base = '', ...model }: CheckpointBase,
  weights: TensorMap,
): Promise<void> {
  if (!adapter) return saveModelFolder(folder, { ...model, params: weights });
  await rm(folder, { recursive: true, force: true });
  makeFolder(folder);
  await saveAdapter(folder, model.model, adapter, weights, base);
}

async function loadWeights(
  folder: string,
  { model, adapter }: Pick<CheckpointBase, 'model' | 'adapter'>,
): Promise<TensorMap> {
  if (adapter) return loadAdapter(folder, model, adapter);
  if ((await adapterConfig(folder)) === undefined) return loadParams(folder, model);
  throw new InputError(
    `${folder}: holds an adapter, but \`learner.adapter.type\` is "none": set \`learner.adapter\` back to what the run was begun with, or choose another run folder`,
  );
}

/**
 * Returns how the base of a checkpoint stores each tensor; undefined when the folder does not record it. @throws
 * InputError
 */
export async function baseTypes(folder: string): Promise<Readonly<Record<string, StoredType>> | undefined> {
  const file = join(folder, STATE);
  return existsSync(file) ? (await readState(file)).dtypes : undefined;
}

async function readState(file: string): Promise<z.output<typeof stateSchema>> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new InputError(`${file}: cannot be read: ${error.message}`);
  });
  const parsed = stateSchema.safeParse(parseJson(text, file));
  if (!parsed.success) throw new InputError(`${file}: not a trainer state: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const isTensors = (name: string): boolean => name.endsWith('.safetensors');

function prefixed(prefix: string, tensors: TensorMap): TensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
}
