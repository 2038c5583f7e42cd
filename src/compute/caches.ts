/** Key-value caches of the rows being decoded: [rows, KV, S, hd] a layer, kept on the engine, written in place by the decode program. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { i32 } from '../protocol/tensor.ts';
import type { Engine, Fetched, ProgramSpec, ResidentTensor, Specs } from './engine.ts';
import type { ModelConfig } from './hf/config.ts';

export class Caches {
  readonly #engine: Engine;
  #tensors: Record<string, ResidentTensor>;
  #rows: number;

  /** Names of the prefill program's cache outputs, which must be resident. */
  static presents(config: ModelConfig): string[] {
    return Array.from({ length: config.text.layers }, (_, layer) => [`present_key.${layer}`, `present_value.${layer}`]).flat();
  }

  /** Takes over the caches among the outputs of a prefill. */
  constructor(engine: Engine, config: ModelConfig, outputs: Readonly<Record<string, Fetched>>, rows: number) {
    this.#engine = engine;
    this.#rows = rows;
    this.#tensors = Object.fromEntries(Caches.presents(config).map((name) => [name.replace('present', 'past'), outputs[name] as ResidentTensor]));
  }

  get rows(): number {
    return this.#rows;
  }

  /** The decode program's cache inputs. */
  get feeds(): Readonly<Record<string, ResidentTensor>> {
    return this.#tensors;
  }

  /** Keeps the given rows, in that order. */
  async keep(rows: Int32Array): Promise<void> {
    const program = await this.#engine.compile(keepProgram(this.#tensors, rows.length));
    const outputs = await program.run({ ...this.#tensors, rows: i32([rows.length], rows) });
    const names = Object.keys(this.#tensors);
    this.release();
    this.#tensors = Object.fromEntries(names.map((name) => [name, outputs[`kept.${name}`] as ResidentTensor]));
    this.#rows = rows.length;
  }

  release(): void {
    for (const tensor of Object.values(this.#tensors)) tensor.release();
    this.#tensors = {};
  }
}

function keepProgram(caches: Readonly<Record<string, ResidentTensor>>, rows: number): ProgramSpec {
  const specs: Specs = Object.fromEntries(Object.entries(caches).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  const names = Object.keys(caches);
  return {
    name: 'keep-rows',
    inputs: { ...specs, rows: { dtype: 'int32', shape: [rows] } },
    resident: names.map((name) => `kept.${name}`),
    build: (inputs) => Object.fromEntries(names.map((name) => [`kept.${name}`, tf.gather(inputs[name]!, inputs['rows'] as Tensor1D)])),
  };
}
