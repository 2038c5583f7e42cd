/**
 * Hands versions from the local learner to samplers: threads of this process share memory, every other reader gets
 * bytes.
 */
import { decodeSafetensors, encodeSafetensors } from '../../compute/hf/safetensors.ts';
import { share, shared } from '../../compute/threads/versions.ts';
import type { WeightsRef } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';

export class SharedWeights implements WeightsRef {
  readonly version: number;
  readonly tensors: SharedTensors;
  readonly #isKept: () => boolean;

  /** @param isKept false once the version is dropped: its memory is then another version's. */
  constructor(version: number, tensors: SharedTensors, isKept: () => boolean) {
    this.version = version;
    this.tensors = tensors;
    this.#isKept = isKept;
  }

  get id(): string {
    return this.tensors.id;
  }

  get size(): number {
    return this.#pieces().reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  async read(): Promise<Uint8Array> {
    if (!this.#isKept())
      throw new RangeError(
        `version ${this.version} is not in memory any more: read its weights while a request names it`,
      );
    return Buffer.concat(this.#pieces());
  }

  #pieces(): readonly Uint8Array[] {
    return encodeSafetensors(shared(this.tensors));
  }
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
