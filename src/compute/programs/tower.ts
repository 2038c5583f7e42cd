/** The vision tower over one picture, as a chain of programs. */
import type { ProgramSpec } from '../engine/engine.ts';
import type { Model, TowerShape, TowerStage } from '../models/family.ts';

/** Output `rows`: the next stage's `towerRows`, or the picture's rows [M, D]. */
export function towerProgram(model: Model, { name }: TowerShape, stage: TowerStage, at: number): ProgramSpec {
  return {
    name: `tower:${name}:${at}`,
    inputs: { ...stage.parameters, ...stage.inputs },
    build: (inputs) => ({ rows: model.tower!(inputs, inputs, stage) }),
  };
}
