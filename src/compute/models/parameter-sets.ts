/**
 * A model's parameters are two sets. The frozen one stays as the base has it: an engine is given it once. State,
 * moments, gradients, shared memory, checkpoints and messages carry the trainable one alone. Without an adapter all
 * parameters are trainable; with one, its own are.
 */
import { specsOf, type Specs } from '../engine/engine.ts';
import type { Adapter } from './adapter.ts';
import type { Model } from './family.ts';

export interface ParameterSets {
  readonly frozen: Specs;
  readonly trainable: Specs;
}

/** The model whose programs take the adapter's parameters too. */
export function withAdapter(model: Model, adapter: Adapter | undefined): Model {
  if (!adapter) return model;
  return { ...model, parameters: { ...model.parameters, ...specsOf(adapter.constants), ...adapter.trainable } };
}
