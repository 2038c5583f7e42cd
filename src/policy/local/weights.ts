/**
 * Hands versions from the local learner to samplers: threads of this process share memory, every other reader gets
 * bytes.
 */
import { existsSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { saveAdapter } from '../../compute/models/adapter-folder.ts';
import type { Adapter } from '../../compute/models/adapter.ts';
import { makeAdapter, type AdapterSettings } from '../../compute/models/adapters.ts';
import type { Architecture } from '../../compute/models/family.ts';
import { loadArchitecture, readSidecars } from '../../compute/models/folder.ts';
import { putInPlace, saveModelFolder } from '../../compute/models/save.ts';
import { storedTypes } from '../../compute/models/weights.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { InputError } from '../../protocol/errors.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import { decodeSafetensors, encodeSafetensors } from '../../compute/hf/safetensors.ts';
import { share, shared } from '../../compute/threads/versions.ts';
import type { WeightsRef } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';

/** The model whose versions they are. */
export interface WeightsBase {
  readonly folder: string;
  /** Set when an adapter is trained. */
  readonly adapter?: AdapterSettings | undefined;
}

export class SharedWeights implements WeightsRef {
  readonly version: number;
  readonly tensors: SharedTensors;
  readonly #base: WeightsBase;
  readonly #isKept: () => boolean;

  /** @param isKept false once the version is dropped: its memory is then another version's. */
  constructor(version: number, tensors: SharedTensors, base: WeightsBase, isKept: () => boolean) {
    this.version = version;
    this.tensors = tensors;
    this.#base = base;
    this.#isKept = isKept;
  }

  get id(): string {
    return this.tensors.id;
  }

  get size(): number {
    return this.#pieces().reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  async read(): Promise<Uint8Array> {
    this.#check();
    return Buffer.concat(this.#pieces());
  }

  async save(folder: string): Promise<'adapter' | 'model'> {
    this.#check();
    const { folder: base, adapter: settings } = this.#base;
    if (existsSync(folder) && realpathSync(folder) === realpathSync(base))
      throw new InputError(`${folder} is the folder of the run's base, which must stay as it is: name another one`);
    const model = await loadArchitecture(base);
    const params = shared(this.tensors);
    if (settings) {
      await saveAdapterWhole(folder, model, makeAdapter(model, settings), params, base);
      return 'adapter';
    }
    const files = await readSidecars(base);
    await saveModelFolder(folder, { model, params, files }, await storedTypes(base, model));
    return 'model';
  }

  #check(): void {
    if (!this.#isKept())
      throw new RangeError(
        `version ${this.version} is not in memory any more: read its weights while a request names it`,
      );
  }

  #pieces(): readonly Uint8Array[] {
    return encodeSafetensors(shared(this.tensors));
  }
}

async function saveAdapterWhole(
  folder: string,
  model: Architecture,
  adapter: Adapter,
  weights: TensorMap,
  base: string,
): Promise<void> {
  const fresh = `${folder}.${process.pid}.new`;
  await rm(fresh, { recursive: true, force: true });
  makeFolder(fresh);
  await saveAdapter(fresh, model, adapter, weights, base);
  await putInPlace(fresh, folder, `${folder}.${process.pid}.old`);
}

/** How many versions of a remote learner the sampler keeps, like `WARM_WEIGHTS` of a thread. */
const COPIES = 3;

/** Weights in the shared memory of this process, from a local or remote learner. */
export class WeightsReader {
  readonly #copies = new Map<string, Promise<SharedTensors>>();

  /** @throws RangeError when the version is gone, InputError when the bytes are not a safetensors file. */
  async read(ref: WeightsRef): Promise<SharedTensors> {
    if (ref instanceof SharedWeights) return ref.tensors;
    const copy = this.#copies.get(ref.id) ?? copied(ref);
    this.#copies.delete(ref.id);
    this.#copies.set(ref.id, copy);
    copy.catch(() => this.#copies.delete(ref.id));
    for (const id of this.#copies.keys()) if (this.#copies.size > COPIES) this.#copies.delete(id);
    return copy;
  }
}

async function copied(ref: WeightsRef): Promise<SharedTensors> {
  return share(await decodeSafetensors(await ref.read(), `weights of version ${ref.version}`));
}
