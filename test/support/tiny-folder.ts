/**
 * A model folder that loads quickly: the mini's tokenizer, template and processor, a decoder of one layer, random
 * weights.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '../../src/compute/hf/safetensors.ts';
import { loadArchitecture } from '../../src/compute/models/folder.ts';
import { initialWeights } from '../../src/pretrain/initialize.ts';
import { writeMini } from '../../src/pretrain/mini.ts';
import { f32 } from '../../src/protocol/tensor.ts';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'quorum-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes the folder; the same seed gives the same weights. */
export async function writeTinyFolder(folder: string, seed: number): Promise<void> {
  await writeMini(folder);
  const file = join(folder, 'config.json');
  const raw = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const vision = {
    ...(raw['vision_config'] as object),
    depth: 1,
    hidden_size: 16,
    intermediate_size: 24,
    num_heads: 2,
    out_hidden_size: 32,
    fullatt_block_indexes: [0],
  };
  const text = {
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
  };
  await writeFile(
    file,
    JSON.stringify({
      ...raw,
      ...text,
      rope_scaling: { type: 'mrope', mrope_section: [2, 1, 1] },
      vision_config: vision,
    }),
  );
  const weights = initialWeights((await loadArchitecture(folder)).parameters, seed);
  const embedding = weights['model.embed_tokens.weight']!;
  // Larger embeddings keep the distribution away from uniform.
  const wide = f32(
    embedding.shape,
    Float32Array.from(embedding.data, (value) => 10 * value),
  );
  await writeSafetensors(join(folder, 'model.safetensors'), { ...weights, 'model.embed_tokens.weight': wide });
}
