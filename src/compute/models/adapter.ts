/**
 * Adapters add a few trainable parameters to a model and freeze the model's own. Other rooms see an adapter only
 * through these types. A new type takes a file like lora.ts (settings, parameters, PEFT's configuration) and its line
 * in adapters.ts; a type that changes what a linear layer computes also takes a file like lora-linear.ts and its line
 * in tensors.ts.
 */
import type { TensorMap } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';
import type { Architecture } from './family.ts';

/** The part of a model that an adapter reads; its `parameters` are the model's own weights. */
export type Adaptable = Pick<Architecture, 'parameters' | 'parameterName' | 'moduleOf' | 'vision'>;

/** An adapter of one model. */
export interface Adapter {
  /** Keyed by the name of the layer, followed by one of `parts`. */
  readonly trainable: Specs;
  /** The suffixes of its tensor names, as PEFT writes them. */
  readonly parts: readonly string[];
  /** Program inputs that no step changes. */
  readonly constants: TensorMap;
  /**
   * The weights at which training begins: with them the model computes the same as without the adapter.
   * @param stream returns a stream of numbers, uniform in [0, 1), for each name
   */
  initial(stream: (name: string) => () => number): TensorMap;
  /** The content of `adapter_config.json`, without the base's name. */
  readonly peft: Readonly<Record<string, unknown>>;
}

/** An adapter that was read from a folder. */
export interface StoredAdapter {
  readonly parts: readonly string[];
  /** Returns the model's own weights with the adapter's update added. Tensors have the names of `Adapter.trainable`. */
  merged(base: TensorMap, adapter: TensorMap): TensorMap;
}

export interface AdapterType<S> {
  /** `peft_type` of adapter_config.json. */
  readonly peftType: string;
  /** @throws InputError when the settings do not fit the model. */
  make(model: Adaptable, settings: S): Adapter;
  /** @returns the reason why the adapter cannot be applied, when it uses a setting that this type does not support. */
  read(config: Readonly<Record<string, unknown>>): StoredAdapter | string;
}
