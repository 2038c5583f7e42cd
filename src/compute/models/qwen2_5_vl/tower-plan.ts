/**
 * Plans, on the host, the tower's separate programs for one picture. Patches lie in slots, window after window, so
 * windows are views of the rows; a slot without a patch is masked as a key. The number of windows is rounded up, so
 * few shapes serve pictures of all sizes. Only the host knows from which slots the decoder's rows come.
 */
import { f32 } from '../../../protocol/tensor.ts';
import type { Specs } from '../../engine/engine.ts';
import {
  FORBIDDEN,
  type Grid,
  type PatchedImage,
  type TowerPlan,
  type TowerShape,
  type TowerStage,
} from '../family.ts';
import type { VisionConfig } from './config.ts';
import { visionWeights } from './parameters.ts';
import { visionRotary } from './rope.ts';
import { concatPatches, patchPlaces, patchWidth, windowOrder, windowSide, type Windows } from './vision-plan.ts';

/** Runs blocks `from` to `to`; the first stage also embeds the patches, the last stage merges. */
export interface QwenTowerStage extends TowerStage {
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  /** Patches of a whole window. */
  readonly slots: number;
}

/**
 * Target of floating-point operations per program; a program of one block may exceed it. A thread can stop only
 * between programs: on two cores one program takes some seconds.
 */
const STAGE_OPERATIONS = 2e11;
/** The least number of slots of a shape. */
const LEAST_SLOTS = 64;

/**
 * Makes one plan per frame. @param most target of operations per program. @throws InputError when the patches do not
 * fill the grid.
 */
export function planTower(config: VisionConfig, image: PatchedImage, most = STAGE_OPERATIONS): TowerPlan[] {
  const [frames, height, width] = image.grid;
  const values = height * width * patchWidth(config);
  const patches = concatPatches([image], frames * height * width, patchWidth(config));
  return Array.from({ length: frames }, (_, t) =>
    planFrame(config, [1, height, width], patches.subarray(t * values, (t + 1) * values), most),
  );
}

function planFrame(config: VisionConfig, grid: Grid, patches: Float32Array, most: number): TowerPlan {
  const unit = config.mergeSize ** 2;
  const width = patchWidth(config);
  const windows = windowOrder(config, [grid]);
  const slots = windowSide(config) ** 2 * unit;
  const count = paddedCount(windows.sizes.length, slots);
  const order = mergedSlots(windows, slots / unit, unit);
  const places = patchPlaces(config, [grid]);
  const [rows, columns] = [new Int32Array(count * slots), new Int32Array(count * slots)];
  const placed = new Float32Array(count * slots * width);
  const mask = new Float32Array(count * slots).fill(FORBIDDEN);
  order.forEach((merged, row) => {
    const [from, to] = [row * unit, merged * unit];
    placed.set(patches.subarray(from * width, (from + unit) * width), to * width);
    rows.set(places.rows.slice(from, from + unit), to);
    columns.set(places.columns.slice(from, from + unit), to);
    mask.fill(0, to, to + unit);
  });
  const rotary = visionRotary(config, rows, columns);
  return {
    shape: towerShape(config, count, slots, most),
    order,
    feeds: {
      patches: f32([count * slots, width], placed),
      visionCos: f32([count * slots, config.headDim / 2], rotary.cos),
      visionSin: f32([count * slots, config.headDim / 2], rotary.sin),
      slotMask: f32([count, 1, 1, slots], mask),
    },
  };
}

/** Rounds up to one of two counts per octave. */
function paddedCount(windows: number, slots: number): number {
  let count = 2 ** Math.max(1, Math.ceil(Math.log2(LEAST_SLOTS / slots)));
  while (count < windows) count += count & (count - 1) ? count / 3 : count / 2;
  return count;
}

/** Returns the slot of each merged token of the frame, counted in merged tokens. */
function mergedSlots({ order, sizes }: Windows, slots: number, unit: number): Int32Array {
  const places = new Int32Array(order.length);
  let at = 0;
  sizes.forEach((size, window) => {
    for (let i = 0; i < size / unit; i++) places[order[at++]!] = window * slots + i;
  });
  return places;
}

function towerShape(config: VisionConfig, windows: number, slots: number, most: number): TowerShape {
  const costs = Array.from({ length: config.depth }, (_, block) => blockOperations(config, block, windows, slots));
  const stages: QwenTowerStage[] = [];
  for (let from = 0; from < config.depth;) {
    let [to, sum] = [from + 1, costs[from]!];
    while (to < config.depth && sum + costs[to]! <= most) sum += costs[to++]!;
    stages.push(towerStage(config, { from, to, windows, slots }));
    from = to;
  }
  return { name: `${windows}x${slots}`, stages };
}

function blockOperations(config: VisionConfig, block: number, windows: number, slots: number): number {
  const { hiddenSize, intermediateSize, fullAttentionBlocks } = config;
  const rows = windows * slots;
  const keys = fullAttentionBlocks.includes(block) ? rows : slots;
  return 2 * rows * hiddenSize * (4 * hiddenSize + 3 * intermediateSize + 2 * keys);
}

function towerStage(
  config: VisionConfig,
  stage: Pick<QwenTowerStage, 'from' | 'to' | 'windows' | 'slots'>,
): QwenTowerStage {
  const { from, to, windows, slots } = stage;
  const rows = windows * slots;
  const float = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const source: Specs =
    from === 0 ? { patches: float(rows, patchWidth(config)) } : { towerRows: float(rows, config.hiddenSize) };
  return {
    ...stage,
    parameters: Object.fromEntries(
      Object.entries(visionWeights(config)).filter(([name]) => isOfBlocks(name, from, to, config.depth)),
    ),
    inputs: {
      ...source,
      visionCos: float(rows, config.headDim / 2),
      visionSin: float(rows, config.headDim / 2),
      slotMask: float(windows, 1, 1, slots),
    },
  };
}

function isOfBlocks(weight: string, from: number, to: number, depth: number): boolean {
  const block = /^visual\.blocks\.(\d+)\./.exec(weight)?.[1];
  if (block !== undefined) return Number(block) >= from && Number(block) < to;
  return weight.startsWith('visual.merger.') ? to === depth : from === 0;
}
