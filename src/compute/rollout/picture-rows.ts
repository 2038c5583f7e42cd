/**
 * Computes the rows of pictures with a frozen vision tower: each picture passes through the tower once, in programs
 * between which the thread can stop, and programs over text take the rows.
 */
import { createHash } from 'node:crypto';
import { CancelledError } from '../../protocol/errors.ts';
import type { HostTensor } from '../../protocol/tensor.ts';
import type { Feed } from '../engine/engine.ts';
import { part } from '../engine/native.ts';
import type { EmbeddedImage, PatchedImage, PromptImage, TowerPlan, Vision } from '../models/family.ts';
import { towerProgram } from '../programs/tower.ts';
import type { RunningModel } from './decoding.ts';
import type { RowCache } from './row-cache.ts';

export interface RowSource {
  /** The model with the tower's weights. */
  readonly running: RunningModel;
  readonly cache: RowCache;
  /** Identity of the tower's weights; part of the cache's keys. */
  readonly identity: string;
  /** Checked between programs; once it returns true, no further program starts. */
  readonly cancelled?: (() => boolean) | undefined;
}

/** Returns the images with their rows. @throws CancelledError */
export async function embedImages(source: RowSource, images: readonly PromptImage[]): Promise<EmbeddedImage[]> {
  const embedded: EmbeddedImage[] = [];
  for (const image of images) {
    if ('rows' in image) embedded.push(image);
    else embedded.push({ grid: image.grid, rows: await rowsOf(source, image) });
  }
  return embedded;
}

async function rowsOf(source: RowSource, image: PatchedImage): Promise<Float32Array> {
  const key = keyOf(source.identity, image);
  const known = await source.cache.get(key);
  if (known) return known;
  const { tower } = source.running.model.vision!;
  const parts: Float32Array[] = [];
  const plans = tower.plan(image);
  const programs = plans.reduce((sum, { shape }) => sum + shape.stages.length, 0);
  let at = 0;
  for (const plan of plans) parts.push(await runTower(source, plan, () => part(++at, programs)));
  const rows = joined(parts);
  await source.cache.set(key, rows);
  return rows;
}

/** Hashes the patches, which depend on both the picture and the processor's settings. */
function keyOf(identity: string, { grid, patches }: PatchedImage): string {
  const bytes = new Uint8Array(patches.buffer, patches.byteOffset, patches.byteLength);
  return createHash('sha256')
    .update(JSON.stringify([identity, grid]))
    .update(bytes)
    .digest('hex');
}

/** @param began called before each program */
async function runTower({ running, cancelled }: RowSource, plan: TowerPlan, began: () => void): Promise<Float32Array> {
  const { engine, model, weights } = running;
  const feeds: Record<string, Feed> = { ...plan.feeds };
  let last: HostTensor | undefined;
  for (const [at, stage] of plan.shape.stages.entries()) {
    if (cancelled?.()) throw new CancelledError('looking at a picture was cancelled');
    began();
    const program = await engine.compile(towerProgram(model, plan.shape, stage, at));
    const taken = Object.keys(program.inputs).map((name) => [name, feeds[name] ?? weights[name]!] as const);
    last = await engine.read((await program.run(Object.fromEntries(taken)))['rows']!);
    feeds['towerRows'] = last;
  }
  return inOrder(last!, plan.order);
}

/** Selects the picture's rows from all slots, in the decoder's order. */
function inOrder({ data, shape }: HostTensor, order: Int32Array): Float32Array {
  const width = shape[1]!;
  const rows = new Float32Array(order.length * width);
  order.forEach((slot, row) =>
    rows.set((data as Float32Array).subarray(slot * width, (slot + 1) * width), row * width),
  );
  return rows;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Returns the parameters that do not belong to the tower. */
export function withoutTower<T>(vision: Vision, parameters: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !vision.tower.owns(name)));
}
