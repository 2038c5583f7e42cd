/** The unit of compilation: a function over tensors with names and shapes. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { DType } from '../../protocol/tensor.ts';

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export type Specs = Readonly<Record<string, TensorSpec>>;

/**
 * A program before compilation. `build` must be pure: the same specs give the same graph. Every input must be listed,
 * every output is named.
 */
export interface ProgramSpec {
  /**
   * Names the program in errors and profiles, and with the inputs' specs keys the cache, so it must hold every static
   * setting.
   */
  readonly name: string;
  readonly inputs: Specs;
  build(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /**
   * Outputs that share the buffer of an input (KV caches): output name -> input name. On engines that can, the feed's
   * own buffer is written in place; elsewhere the result is copied back into it.
   */
  readonly inPlace?: Readonly<Record<string, string>>;
  /** Outputs that stay on the device between runs (weights, moments, caches), if the engine has a device. */
  readonly resident?: readonly string[];
}
