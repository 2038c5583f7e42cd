/** Decodes with caches [rows, KV, S, hd] that stay on the device and are updated in place. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import {
  presentCaches,
  type Begun,
  type DecodeRows,
  type Decoding,
  type DecodingRequest,
  type RunningModel,
} from './decoding.ts';
import type { Program, ProgramSpec, ResidentTensor, Specs } from '../engine/engine.ts';
import { decodeFeeds, decodeProgram } from '../programs/decode.ts';
import { planPrefill, prefillProgram } from '../programs/prefill.ts';

type Caches = Readonly<Record<string, ResidentTensor>>;

export class DeviceDecoding implements Decoding {
  readonly #running: RunningModel;
  readonly #cacheLength: number;
  #caches: Caches;
  #program: Program | undefined;
  #rows: number;

  private constructor(running: RunningModel, cacheLength: number, caches: Caches, rows: number) {
    this.#running = running;
    this.#cacheLength = cacheLength;
    this.#caches = caches;
    this.#rows = rows;
  }

  static async begin(running: RunningModel, { prompts, ...room }: DecodingRequest): Promise<Begun> {
    const { engine, model, weights } = running;
    const names = presentCaches(model.dimensions);
    const plan = planPrefill(model, prompts, room);
    const program = await engine.compile({ ...prefillProgram(model, plan.shape), resident: names });
    const outputs = await program.run({ ...weights, ...plan.feeds });
    const caches = Object.fromEntries(
      names.map((name) => [name.replace('present', 'past'), outputs[name] as ResidentTensor]),
    );
    const decoding = new DeviceDecoding(running, plan.shape.cacheLength, caches, prompts.length * room.samples);
    return {
      decoding,
      logits: (await engine.read(outputs['logits']!)).data as Float32Array,
      lengths: plan.lengths,
      nextPositions: plan.nextPositions,
    };
  }

  get rows(): number {
    return this.#rows;
  }

  async step(rows: DecodeRows): Promise<Float32Array> {
    const { engine, model, weights } = this.#running;
    this.#program ??= await engine.compile(decodeProgram(model, { rows: this.#rows, cacheLength: this.#cacheLength }));
    const { logits } = await this.#program.run({ ...weights, ...this.#caches, ...decodeFeeds(model, rows) });
    return (await engine.read(logits!)).data as Float32Array;
  }

  async keep(rows: Int32Array): Promise<void> {
    const program = await this.#running.engine.compile(keepProgram(this.#caches, rows.length));
    const outputs = await program.run({ ...this.#caches, rows: i32([rows.length], rows) });
    const names = Object.keys(this.#caches);
    this.release();
    this.#caches = Object.fromEntries(names.map((name) => [name, outputs[`kept.${name}`] as ResidentTensor]));
    this.#rows = rows.length;
    this.#program = undefined;
  }

  release(): void {
    for (const tensor of Object.values(this.#caches)) tensor.release();
    this.#caches = {};
  }
}

function keepProgram(caches: Caches, rows: number): ProgramSpec {
  const specs: Specs = Object.fromEntries(
    Object.entries(caches).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
  );
  const names = Object.keys(caches);
  return {
    name: 'keep-rows',
    inputs: { ...specs, rows: { dtype: 'int32', shape: [rows] } },
    resident: names.map((name) => `kept.${name}`),
    build: (inputs) =>
      Object.fromEntries(names.map((name) => [`kept.${name}`, tf.gather(inputs[name]!, inputs['rows'] as Tensor1D)])),
  };
}
