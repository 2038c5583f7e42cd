/**
 * The eager engines: programs called on TF.js's own kernels. The compiled engines are tested
 * against `reference` (pure JavaScript).
 */
import * as tf from '@tensorflow/tfjs-core';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { DType, HostTensor } from '../../protocol/tensor.ts';
import type {
  Engine,
  EngineKind,
  EngineOptions,
  Feed,
  Fetched,
  Program,
  ProgramSpec,
  ResidentTensor,
  ResidentTensors,
  Specs,
} from './engine.ts';
import type { StoredWeights } from '../hf/stored.ts';
import { attachedInputs, fedInputs, uploadStored } from './attached.ts';
import { ProgramCache } from './cache.ts';
import { progress } from './native.ts';
import { checkFeeds } from './feeds.ts';
import '../compile/gradients.ts';

class EagerResident implements ResidentTensor {
  readonly resident = true;
  readonly dtype: DType;
  readonly shape: readonly number[];
  tensor: tf.Tensor;

  constructor(tensor: tf.Tensor) {
    this.dtype = tensor.dtype as DType;
    this.shape = tensor.shape;
    this.tensor = tf.keep(tensor);
  }

  replace(tensor: tf.Tensor): void {
    this.tensor.dispose();
    this.tensor = tf.keep(tensor);
  }

  release(): void {
    this.tensor.dispose();
  }
}

function toTensor(feed: Feed): tf.Tensor {
  if (!('resident' in feed)) return tf.tensor(feed.data.slice(), [...feed.shape], feed.dtype);
  if (!(feed instanceof EagerResident))
    throw new TypeError('a resident tensor of another engine was fed; read it there and upload it here');
  return feed.tensor;
}

const toHost = (tensor: tf.Tensor): HostTensor => ({
  dtype: tensor.dtype as DType,
  shape: tensor.shape,
  data: tensor.dataSync().slice(),
});

export class EagerEngine implements Engine {
  readonly name: EngineKind;
  readonly #backend: string;
  readonly #programs: ProgramCache;
  #attached: ResidentTensors = {};

  /** `backend` is a registered TF.js backend. */
  constructor(name: EngineKind, backend: string, options: EngineOptions) {
    this.name = name;
    this.#backend = backend;
    this.#programs = new ProgramCache(options.cachePrograms ?? Infinity);
  }

  compile(spec: ProgramSpec): Promise<Program> {
    return this.#programs.get(
      spec,
      async (onDispose) => new EagerProgram(spec, this.#attached, () => this.#use(), onDispose),
    );
  }

  async attach(stored: StoredWeights): Promise<void> {
    this.#attached = await uploadStored(this, stored);
  }

  async upload(tensor: HostTensor): Promise<ResidentTensor> {
    this.#use();
    return new EagerResident(toTensor(tensor));
  }

  async read(tensor: Fetched): Promise<HostTensor> {
    return 'resident' in tensor ? toHost(toTensor(tensor)) : tensor;
  }

  /** TF.js falls back silently when a backend cannot start, so check which backend it switched to. */
  #use(): void {
    void tf.setBackend(this.#backend);
    if (tf.getBackend() !== this.#backend)
      throw new UnsupportedError(`TF.js backend "${this.#backend}" did not start; it is on "${tf.getBackend()}"`);
    // On its first use TF.js's cpu backend prints an advertisement for the native backend.
    (tf.backend() as { firstUse?: boolean }).firstUse = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.clear();
    for (const tensor of Object.values(this.#attached)) tensor.release();
    this.#attached = {};
  }
}

class EagerProgram implements Program {
  readonly name: string;
  readonly inputs: Specs;
  readonly #spec: ProgramSpec;
  readonly #attached: ResidentTensors;
  readonly #use: () => void;
  readonly #onDispose: () => void;
  #outputs: Specs | undefined;

  constructor(spec: ProgramSpec, attached: ResidentTensors, use: () => void, onDispose: () => void) {
    this.name = spec.name;
    this.inputs = fedInputs(spec.inputs, attached);
    this.#spec = spec;
    this.#attached = attachedInputs(spec.inputs, attached);
    this.#use = use;
    this.#onDispose = onDispose;
  }

  /** Found by running on zeros, because an eager program has no graph. */
  get outputs(): Specs {
    this.#use();
    this.#outputs ??= tf.tidy(() => {
      const zeros = Object.fromEntries(
        Object.entries(this.#spec.inputs).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]),
      );
      return Object.fromEntries(
        Object.entries(this.#spec.build(zeros)).map(([name, { dtype, shape }]) => [
          name,
          { dtype: dtype as DType, shape },
        ]),
      );
    });
    return this.#outputs;
  }

  async run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Fetched>> {
    checkFeeds(this.name, this.inputs, feeds);
    this.#use();
    // Not tf.tidy: it walks every element of the arrays that its function returns.
    tf.engine().startScope();
    try {
      const all = Object.entries({ ...this.#attached, ...feeds });
      const inputs = Object.fromEntries(all.map(([name, feed]) => [name, toTensor(feed)]));
      const outputs = Object.entries(this.#spec.build(inputs));
      return Object.fromEntries(outputs.map(([name, tensor]) => [name, this.#fetched(name, tensor, feeds)]));
    } finally {
      tf.engine().endScope();
      progress();
    }
  }

  #fetched(name: string, tensor: tf.Tensor, feeds: Readonly<Record<string, Feed>>): Fetched {
    const target = this.#spec.inPlace?.[name];
    if (target !== undefined) {
      const feed = feeds[target]!;
      if (feed instanceof EagerResident) feed.replace(tf.clone(tensor));
      else (feed as HostTensor).data.set(tensor.dataSync() as Float32Array);
      return feed;
    }
    return this.#spec.resident?.includes(name) ? new EagerResident(tf.clone(tensor)) : toHost(tensor);
  }

  async dispose(): Promise<void> {
    this.#outputs = undefined;
    this.#onDispose();
  }
}
