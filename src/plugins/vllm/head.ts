/**
 * A model with tied embeddings has no output head of its own in its checkpoint. A vLLM server on a processor packs the
 * head when it starts, and packs it again only for a checkpoint that has one (vLLM 0.32): without it the server would
 * compute with the input embeddings of this version and the output head of the start.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { headerOf, locateTensors } from '../servers/safetensors.ts';

const EMBEDDINGS = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const WHOLE = 'model.safetensors';
const INDEX = `${WHOLE}.index.json`;
/** vLLM reads every safetensors file of a folder without an index. */
const HEAD_FILE = 'lm_head.safetensors';

const index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** Adds a copy of the embeddings as the output head, where the model folder has none. */
export async function addHead(folder: string): Promise<void> {
  const shards = await readIndex(join(folder, INDEX));
  if (shards && HEAD in shards.weight_map) return;
  const file = join(folder, shards?.weight_map[EMBEDDINGS] ?? WHOLE);
  const tensors = await locateTensors(file);
  const embeddings = tensors.get(EMBEDDINGS);
  if (tensors.has(HEAD) || !embeddings) return;
  const out = createWriteStream(join(folder, HEAD_FILE));
  out.write(headerOf(HEAD, embeddings));
  await pipeline(createReadStream(file, { start: embeddings.from, end: embeddings.to - 1 }), out);
  if (!shards) return;
  const weights = { ...shards.weight_map, [HEAD]: HEAD_FILE };
  await writeFile(join(folder, INDEX), JSON.stringify({ ...shards, weight_map: weights }, null, 2));
}

async function readIndex(file: string): Promise<z.output<typeof index> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : index.parse(JSON.parse(text));
}
