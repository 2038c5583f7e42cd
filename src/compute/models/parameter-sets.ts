/**
 * A model's parameters form two sets. The frozen set keeps the base's values and is given to an engine once. State,
 * moments, gradients, shared memory, checkpoints and messages carry only the trainable set. Without an adapter all
 * parameters are trainable; with an adapter only the adapter's are.
 */
import { specsOf, type Specs } from '../engine/engine.ts';
import type { Adapter } from './adapter.ts';
import type { Model } from './family.ts';

export interface ParameterSets {
  readonly frozen: Specs;
  readonly trainable: Specs;
}

/** Returns the model whose programs also take the adapter's parameters. */
export function withAdapter(model: Model, adapter: Adapter | undefined): Model {
  if (!adapter) return model;
  return { ...model, parameters: { ...model.parameters, ...specsOf(adapter.constants), ...adapter.trainable } };
}
