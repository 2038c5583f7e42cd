/** Weights that a thread keeps on its engine between tasks; drops the least recently used first. */
import type { SharedTensors } from '../../protocol/worker.ts';
import { uploadAll, type Engine, type ResidentTensors } from '../engine/engine.ts';
import { shared } from './versions.ts';

export class WarmWeights {
  readonly #engine: Engine;
  readonly #limit: number;
  readonly #warm = new Map<string, ResidentTensors>();

  constructor(engine: Engine, limit: number) {
    this.#engine = engine;
    this.#limit = limit;
  }

  /** Valid until `limit` other weights have been requested. */
  async get(source: SharedTensors): Promise<ResidentTensors> {
    const weights = this.#warm.get(source.id) ?? (await uploadAll(this.#engine, shared(source)));
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
}
