/**
 * Adapters: a few trainable parameters added to the model's own, which are frozen then. All that the other rooms know of
 * an adapter passes through these types. To add a type: a file like lora.ts (settings, parameters, PEFT's
 * configuration), its line in adapters.ts, and, where a linear layer computes something else with it, a file like
 * lora-linear.ts and its line in tensors.ts.
 */
import type { TensorMap } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';
import type { Architecture } from './family.ts';

/** What an adapter needs to know of a model; its `parameters` are the model's own weights. */
export type Adaptable = Pick<Architecture, 'parameters' | 'parameterName' | 'moduleOf' | 'vision'>;

/** An adapter of one model. */
export interface Adapter {
  /** By the name of its layer, followed by one of `parts`. */
  readonly trainable: Specs;
  /** How the names of its tensors end, as PEFT has them. */
  readonly parts: readonly string[];
  /** Inputs of programs that stay as they are. */
  readonly constants: TensorMap;
  /**
   * Where training begins: the model computes with it what it computes without.
   * @param stream gives a stream of numbers, uniform in [0, 1), for each name
   */
  initial(stream: (name: string) => () => number): TensorMap;
  /** `adapter_config.json`, without the base's name. */
  readonly peft: Readonly<Record<string, unknown>>;
}

/** An adapter as a folder holds it. */
export interface StoredAdapter {
  readonly parts: readonly string[];
  /**
   * The model's own weights with the adapter's update worked in. Tensors have the names that `Adapter.trainable` gives
   * them.
   */
  merged(base: TensorMap, adapter: TensorMap): TensorMap;
}

export interface AdapterType<S> {
  /** `peft_type` of adapter_config.json. */
  readonly peftType: string;
  /** @throws InputError for settings that do not fit the model. */
  make(model: Adaptable, settings: S): Adapter;
  /** @returns why the adapter cannot be applied, where it uses what this type does not know. */
  read(config: Readonly<Record<string, unknown>>): StoredAdapter | string;
}
