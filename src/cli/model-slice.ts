/**
 * Estimates how fast a model samples that is too large to measure whole: measures two copies with few layers, as each
 * further layer adds the same time to a token.
 */
import { open, writeFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, headOf } from '../compute/hf/safetensors.ts';
import { loadArchitecture, readSidecars } from '../compute/models/folder.ts';
import { parseModel } from '../compute/models/index.ts';
import type { Config } from '../config/schema.ts';
import { rolloutSpeeds, type RolloutSpeed, type SpeedRequest } from './rollout-speed.ts';

export interface SlicedSpeeds {
  readonly speeds: readonly RolloutSpeed[];
  /** Numbers of layers that were measured. */
  readonly layers: readonly [number, number];
  /** Layers of the model. */
  readonly of: number;
}

const FEW = [1, 3] as const;

/** @throws InputError for a bad model. */
export async function slicedSpeeds(config: Config, request: SpeedRequest): Promise<SlicedSpeeds> {
  const { layers: of } = (await loadArchitecture(config.model)).dimensions;
  const measured: RolloutSpeed[][] = [];
  const folder = mkdtempSync(join(tmpdir(), 'quorum-slice-'));
  try {
    for (const layers of FEW) {
      await writeSlice(folder, config.model, layers);
      measured.push(await rolloutSpeeds({ ...config, model: folder }, request));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [few, more] = measured as [RolloutSpeed[], RolloutSpeed[]];
  const rates = few.map(({ tokensPerSecond }, i) => wholeRate([tokensPerSecond, more[i]!.tokensPerSecond], FEW, of));
  const speeds = few.map(({ threads }, i) => ({
    threads,
    tokensPerSecond: rates[i]!,
    ratio: rates[i]! / rates[0]!,
  }));
  return { speeds, layers: FEW, of };
}

/** Tokens a second of a model with `of` layers, from the rates with few. */
export function wholeRate(
  [few, more]: readonly [number, number],
  [from, to]: readonly [number, number],
  of: number,
): number {
  const aLayer = Math.max(0, (1 / more - 1 / few) / (to - from));
  return 1 / (1 / few + aLayer * (of - from));
}

/** Writes the model with so many layers, all weights zero, into `folder`; the zeros take no room on the disk. */
async function writeSlice(folder: string, model: string, layers: number): Promise<void> {
  const whole = await loadArchitecture(model);
  const config = { ...(whole.save('float32') as object), num_hidden_layers: layers };
  const { parameters } = parseModel(config, 'config.json');
  const files = { ...(await readSidecars(model)), 'config.json': JSON.stringify(config) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const tensors = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, { dtype: 'F32', shape } as const]),
  );
  const head = headOf(tensors);
  const bytes = Object.values(tensors).reduce((sum, tensor) => sum + bytesOf(tensor), head.length);
  await using file = await open(join(folder, 'model.safetensors'), 'w');
  await file.writeFile(head);
  await file.truncate(bytes);
}
