/** Writes a model folder with random weights, to measure speed and memory at real shapes without a checkpoint. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson, bytesOf } from '../../compute/hf/safetensors.ts';
import { writeShards } from '../../compute/hf/shards.ts';
import { parseTokenizer } from '../../compute/hf/tokenizer.ts';
import { CONFIG } from '../../compute/models/adapted.ts';
import { parseModel } from '../../compute/models/index.ts';
import { moveModelInto } from '../../compute/models/save.ts';
import { freeSpace, gigabytes } from '../../lib/free-space.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { writeWhole } from '../../lib/whole-file.ts';
import { InputError } from '../../protocol/errors.ts';
import { sizeOf } from '../../protocol/tensor.ts';
import { addedTokens, randomConfig, specialId, type RandomShape } from './shapes.ts';
import { byteTokenizer, tokenizerConfig } from './tokenizer.ts';
import { randomWeights, type RandomType } from './weights.ts';

export interface RandomModelRequest {
  /** The new files replace its weights and its files of the same names once they are complete. */
  readonly folder: string;
  readonly shape: RandomShape;
  readonly dtype: RandomType;
  readonly seed: number;
  /** Folder with `tokenizer.json` and `tokenizer_config.json` of the family; default: a byte-level one. */
  readonly tokenizer?: string | undefined;
  /** The most bytes of one weight file; default: 5 GB. */
  readonly shardBytes?: number;
}

export interface RandomModel {
  readonly parameters: number;
  /** Bytes of the weights. */
  readonly bytes: number;
  /** Names of the files that hold weights. */
  readonly files: readonly string[];
}

const NAMES: Readonly<Record<RandomType, string>> = { BF16: 'bfloat16', F32: 'float32' };

/**
 * Writes the same bytes for the same request, and holds a few MB in memory for any size. @throws InputError when the
 * disk has no room, or the tokenizer does not belong to the family.
 */
export async function writeRandomModel(request: RandomModelRequest): Promise<RandomModel> {
  const { folder, shape, dtype, seed, shardBytes } = request;
  const model = parseModel(randomConfig(shape), CONFIG);
  const weights = randomWeights(model.parameters, dtype, seed);
  const bytes = Object.values(weights).reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  refuseWithoutRoom(folder, bytes);
  const sidecars = { [CONFIG]: model.save(NAMES[dtype]), ...familyFiles(shape), ...(await tokenizerFiles(request)) };
  const fresh = `${folder}.${process.pid}.new`;
  try {
    await rm(fresh, { recursive: true, force: true });
    makeFolder(fresh);
    for (const [name, json] of Object.entries(sidecars))
      await writeWhole(join(fresh, name), [`${JSON.stringify(json, null, 2)}\n`]);
    const files = await writeShards(fresh, weights, shardBytes);
    await moveModelInto(folder, fresh);
    const parameters = Object.values(weights).reduce((sum, tensor) => sum + sizeOf(tensor.shape), 0);
    return { parameters, bytes, files };
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

function refuseWithoutRoom(folder: string, bytes: number): void {
  const { folder: where, free } = freeSpace(folder);
  if (free > bytes) return;
  throw new InputError(
    `--out ${folder}: the weights take ${gigabytes(bytes)}, the disk of ${where} has ${gigabytes(free)} free: name a folder on another disk, or a smaller --like`,
  );
}

function familyFiles(shape: RandomShape): Record<string, object> {
  const [end, pad] = [specialId(shape, '<|im_end|>'), specialId(shape, '<|endoftext|>')];
  return {
    'generation_config.json': {
      bos_token_id: pad,
      pad_token_id: pad,
      do_sample: true,
      eos_token_id: [end, pad],
      repetition_penalty: 1.05,
      temperature: 0.000001,
    },
    'preprocessor_config.json': {
      min_pixels: 3_136,
      max_pixels: 12_845_056,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      image_processor_type: 'Qwen2VLImageProcessor',
      processor_class: 'Qwen2_5_VLProcessor',
    },
    'chat_template.json': { chat_template: CHAT_TEMPLATE },
  };
}

/** Renders pictures and texts as the hub's template does. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}" +
  '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}' +
  "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}" +
  "{% for content in message['content'] %}{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif content['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

async function tokenizerFiles({
  shape,
  tokenizer,
}: Pick<RandomModelRequest, 'shape' | 'tokenizer'>): Promise<Record<string, unknown>> {
  if (tokenizer === undefined)
    return { 'tokenizer.json': byteTokenizer(shape), 'tokenizer_config.json': tokenizerConfig(shape) };
  const read = async (name: string): Promise<unknown> => {
    const file = join(tokenizer, name);
    const text = await readFile(file, 'utf8').catch((error: Error) => {
      throw new InputError(`--tokenizer ${tokenizer}: ${name} cannot be read: ${error.message}`);
    });
    return parseJson(text, file);
  };
  const [json, config] = [await read('tokenizer.json'), await read('tokenizer_config.json')];
  const parsed = parseTokenizer(json, config, join(tokenizer, 'tokenizer.json'));
  for (const { content, id } of addedTokens(shape)) {
    if (parsed.tokenId(content) !== id)
      throw new InputError(
        `--tokenizer ${tokenizer}: ${content} has the id ${parsed.tokenId(content) ?? 'of no token'}; the family's is ${id}: name a folder with the tokenizer of Qwen2.5 or Qwen3`,
      );
  }
  return { 'tokenizer.json': json, 'tokenizer_config.json': config };
}
