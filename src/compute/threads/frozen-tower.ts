/** Embeds pictures in a thread when all versions share the vision tower. */
import { join } from 'node:path';
import { stampOf } from '../hf/base-identity.ts';
import { weightFiles } from '../hf/shards.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model, Vision } from '../models/family.ts';
import { embedImages, withoutTower } from '../rollout/picture-rows.ts';
import type { QuestionEncoder } from '../rollout/prompts.ts';
import { RowCache } from '../rollout/row-cache.ts';

export interface PictureSetup {
  /** Maximum of decoder rows per picture. */
  readonly maxTokens: number;
  /** Folder of the cached rows; absent: memory only. */
  readonly rowFolder?: string | undefined;
  /** Maximum size of the files in `rowFolder`. */
  readonly rowBytes: number;
}

/** Maximum size of the rows that a thread keeps in memory. */
const MEMORY_BYTES = 256e6;

export class FrozenTower {
  /** The model with programs that take the rows of pictures instead of the tower's weights. */
  readonly textModel: Model;
  readonly #engine: Engine;
  readonly #model: Model;
  readonly #cache: RowCache;
  readonly #identity: string;

  private constructor(engine: Engine, model: Model, vision: Vision, cache: RowCache, identity: string) {
    this.textModel = { ...model, parameters: withoutTower(vision, model.parameters) };
    this.#engine = engine;
    this.#model = model;
    this.#cache = cache;
    this.#identity = identity;
  }

  /** @param engine has the tower's weights attached. @returns undefined when the model has no tower. */
  static async open(
    engine: Engine,
    model: Model,
    folder: string,
    { rowFolder, rowBytes }: PictureSetup,
  ): Promise<FrozenTower | undefined> {
    if (!model.vision || !model.tower) return undefined;
    const cache = new RowCache({ folder: rowFolder, memoryBytes: MEMORY_BYTES, diskBytes: rowBytes });
    const files = [...(await weightFiles(folder)), join(folder, 'adapter_model.safetensors')];
    return new FrozenTower(engine, model, model.vision, cache, await stampOf(files));
  }

  /** Returns a function that embeds pictures. */
  embed(cancelled?: () => boolean): NonNullable<QuestionEncoder['embed']> {
    const running = { engine: this.#engine, model: this.#model, weights: {} };
    return (images) => embedImages({ running, cache: this.#cache, identity: this.#identity, cancelled }, images);
  }
}
