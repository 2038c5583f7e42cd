/** Weights that a thread keeps on its engine between tasks, the least recently used dropped first. */
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Engine, ResidentTensor } from '../engine/engine.ts';
import { shared } from './versions.ts';

type Weights = Readonly<Record<string, ResidentTensor>>;

export class WarmWeights {
  readonly #engine: Engine;
  readonly #limit: number;
  readonly #warm = new Map<string, Weights>();

  constructor(engine: Engine, limit: number) {
    this.#engine = engine;
    this.#limit = limit;
  }

  /** Valid until `limit` other weights were asked for. */
  async get(source: SharedTensors): Promise<Weights> {
    const weights = this.#warm.get(source.id) ?? (await this.#upload(source));
    this.#warm.delete(source.id);
    this.#warm.set(source.id, weights);
    for (const [id, old] of this.#warm) {
      if (this.#warm.size <= this.#limit) break;
      for (const tensor of Object.values(old)) tensor.release();
      this.#warm.delete(id);
    }
    return weights;
  }

  clear(): void {
    for (const tensor of [...this.#warm.values()].flatMap((weights) => Object.values(weights))) tensor.release();
    this.#warm.clear();
  }

  async #upload(source: SharedTensors): Promise<Weights> {
    const weights: Record<string, ResidentTensor> = {};
    for (const [name, tensor] of Object.entries(shared(source))) weights[name] = await this.#engine.upload(tensor);
    return weights;
  }
}
