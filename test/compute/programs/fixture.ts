/** Fixtures that transformers made (test/fixtures/qwen2_5_vl/make.py), as our own types. */
import { fileURLToPath } from 'node:url';
import type { HostTensor, TensorMap } from '../../../src/protocol/tensor.ts';
import { loadArchitecture } from '../../../src/compute/models/folder.ts';
import { loadParams } from '../../../src/compute/models/weights.ts';
import { readSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { withNetwork, type EncodedPrompt, type Grid, type Model } from '../../../src/compute/models/family.ts';
import type { Padding } from '../../../src/compute/programs/batch.ts';

export const CASES = ['window', 'several', 'padded', 'shards', 'merge3'] as const;

export function fixtureFolder(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/qwen2_5_vl/${name}`, import.meta.url));
}

export interface Fixture {
  readonly model: Model;
  readonly params: TensorMap;
  readonly prompts: readonly EncodedPrompt[];
  readonly padding: Padding;
  /** [B, T] row-major, 1 at tokens. */
  readonly mask: ArrayLike<number>;
  readonly length: number;
  readonly expected: { readonly logits: HostTensor; readonly positions: HostTensor; readonly imageEmbeds: HostTensor };
}

export async function loadFixture(name: string): Promise<Fixture> {
  const folder = fixtureFolder(name);
  const model = await withNetwork(await loadArchitecture(folder));
  const imageToken = model.vision!.tokenId;
  const io = await readSafetensors(`${folder}/io.safetensors`);
  const [ids, mask, grids, pixels] = [
    io['input_ids']!,
    io['attention_mask']!,
    io['image_grid_thw']!,
    io['pixel_values']!,
  ];
  const [batch, length] = ids.shape as [number, number];
  const width = pixels.shape[1]!;
  let [image, patch] = [0, 0];
  const takeImage = () => {
    const grid = grids.data.slice(image * 3, image * 3 + 3) as unknown as Grid;
    const count = grid[0] * grid[1] * grid[2];
    const patches = pixels.data.slice(patch * width, (patch + count) * width) as Float32Array;
    image++;
    patch += count;
    return { grid, patches };
  };
  const prompts = Array.from({ length: batch }, (_, b) => {
    const row = ids.data.slice(b * length, (b + 1) * length).filter((_id, t) => mask.data[b * length + t] === 1);
    const runs = row.filter((id, i) => id === imageToken && row[i - 1] !== imageToken).length;
    const images = Array.from({ length: runs }, takeImage);
    const positions = model.positions.of(row, images);
    return { ids: row, positions: positions.ids, nextPosition: positions.next, images };
  });
  return {
    model,
    params: await loadParams(folder, model),
    prompts,
    padding: prompts.some((_, b) => mask.data[(b + 1) * length - 1] === 0) ? 'right' : 'left',
    mask: mask.data,
    length,
    expected: { logits: io['logits']!, positions: io['position_ids']!, imageEmbeds: io['image_embeds']! },
  };
}

/** Largest absolute difference over rows that `keep` wants. */
export function maxDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  width: number,
  keep: (row: number) => boolean = () => true,
): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} values against ${b.length}`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (!keep(Math.floor(i / width))) continue;
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}
