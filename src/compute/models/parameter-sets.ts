/**
 * A model's parameters are two sets. The frozen one stays as the base has it: an engine is given it once. State, moments, gradients, shared memory,
 * checkpoints and messages carry the trainable one alone.
 */
import type { Specs } from '../engine/engine.ts';

export interface ParameterSets {
  readonly frozen: Specs;
  readonly trainable: Specs;
}
