/** A model as an ordinary Hugging Face folder: read, checked, and written again so that transformers and vLLM load it. */
import { readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../make-folder.ts';
import { InputError } from '../../protocol/errors.ts';
import type { HostTensor, TensorMap } from '../../protocol/tensor.ts';
import type { PromptEncoder } from '../model/prompt.ts';
import { weightSpecs } from '../model/weights.ts';
import { parseChatTemplate } from './chat.ts';
import { parseConfig, type ModelConfig } from './config.ts';
import { missingFolder } from './missing-folder.ts';
import { parseProcessor } from './processor.ts';
import { parseJson, syncFolder, writeAtomic } from './safetensors.ts';
import { readCheckpoint, writeCheckpoint } from './shards.ts';
import { parseTokenizer } from './tokenizer.ts';

/** What `generation_config.json` says of ids. */
export interface GenerationConfig {
  /** Tokens that end a response. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
}

export interface ModelFolder extends PromptEncoder {
  readonly params: TensorMap;
  readonly generationConfig: GenerationConfig;
  /** The folder's other files by name, as text; saved again unchanged. */
  readonly files: Readonly<Record<string, string>>;
}

const CONFIG = 'config.json';
const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const PROCESSOR = 'preprocessor_config.json';
const GENERATION = 'generation_config.json';
/** Everything that travels with the weights. */
const SIDECARS = [
  TOKENIZER,
  TOKENIZER_CONFIG,
  PROCESSOR,
  GENERATION,
  'chat_template.jinja',
  'chat_template.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'video_preprocessor_config.json',
  'processor_config.json',
];

/** @throws InputError naming the file and the field or tensor. */
export async function loadModelFolder(folder: string): Promise<ModelFolder> {
  const config = await loadConfig(folder);
  const files = await readSidecars(folder);
  const encoder = parseEncoder(folder, config, files);
  return { ...encoder, params: await loadParams(folder, config), generationConfig: parseGeneration(folder, config, files), files };
}

/** Config, tokenizer, chat template and image processor, without the weights. @throws InputError */
export async function loadPromptEncoder(folder: string): Promise<PromptEncoder> {
  return parseEncoder(folder, await loadConfig(folder), await readSidecars(folder));
}

/** @throws InputError */
export async function loadGenerationConfig(folder: string, config: ModelConfig): Promise<GenerationConfig> {
  return parseGeneration(folder, config, await readSidecars(folder));
}

/** @throws InputError */
export async function loadConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, CONFIG);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new InputError(missingFolder(folder) ?? `${file}: cannot be read: ${error.message}`);
  });
  return parseConfig(parseJson(text, file), file);
}

/** Weights under their hub names, checked against the config. @throws InputError naming a missing, unexpected or misshapen tensor. */
export async function loadParams(folder: string, config: ModelConfig): Promise<TensorMap> {
  const stored = await readCheckpoint(folder);
  const found = new Map(Object.entries(stored).map(([name, tensor]) => [hubName(name), tensor]));
  // A tied head may be stored all the same; the embedding stands for both.
  if (config.text.tieEmbeddings) found.delete('lm_head.weight');
  const params: Record<string, HostTensor> = {};
  for (const [name, spec] of Object.entries(weightSpecs(config))) {
    const tensor = found.get(name);
    if (!tensor) throw new InputError(`${folder}: tensor "${name}" is missing; config.json asks for shape [${spec.shape.join(', ')}]`);
    if (tensor.shape.join() !== spec.shape.join()) {
      throw new InputError(`${folder}: tensor "${name}" has shape [${tensor.shape.join(', ')}]; config.json asks for [${spec.shape.join(', ')}]`);
    }
    params[name] = tensor;
    found.delete(name);
  }
  if (found.size > 0) throw new InputError(`${folder}: tensor "${[...found.keys()][0]!}" is not part of the model that config.json describes`);
  return params;
}

/** transformers' in-memory names (`model.visual.`, `model.language_model.`) -> the hub's (`visual.`, `model.`). */
function hubName(name: string): string {
  return name.replace(/^model\.visual\./, 'visual.').replace(/^model\.language_model\./, 'model.');
}

async function readSidecars(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of SIDECARS) {
    const text = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new InputError(`${join(folder, name)}: cannot be read: ${error.message}`);
    });
    if (text !== undefined) files[name] = text;
  }
  return files;
}

type Files = Readonly<Record<string, string>>;

function json(folder: string, files: Files, name: string): unknown {
  const text = files[name];
  if (text === undefined) throw new InputError(`${join(folder, name)} is missing`);
  return parseJson(text, join(folder, name));
}

function parseEncoder(folder: string, config: ModelConfig, files: Files): PromptEncoder {
  const tokenizerConfig = json(folder, files, TOKENIZER_CONFIG);
  return {
    config,
    tokenizer: parseTokenizer(json(folder, files, TOKENIZER), tokenizerConfig, join(folder, TOKENIZER)),
    chat: parseChatTemplate(templateSource(folder, files, tokenizerConfig), namedTokens(tokenizerConfig), folder),
    processor: parseProcessor(json(folder, files, PROCESSOR), config.vision, join(folder, PROCESSOR)),
  };
}

const template = z.looseObject({
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]),
});

/** In the order in which transformers looks: the template's own file, the processor's, the tokenizer's. */
function templateSource(folder: string, files: Files, tokenizerConfig: unknown): string {
  const own = files['chat_template.jinja'];
  if (own !== undefined) return own;
  const candidates = ['chat_template.json' in files ? json(folder, files, 'chat_template.json') : undefined, tokenizerConfig];
  for (const candidate of candidates) {
    const parsed = template.safeParse(candidate);
    if (!parsed.success) continue;
    const found = parsed.data.chat_template;
    const source = typeof found === 'string' ? found : found.find(({ name }) => name === 'default')?.template;
    if (source !== undefined) return source;
  }
  throw new InputError(`${folder}: no chat template: chat_template.jinja, chat_template.json or tokenizer_config.json must hold one`);
}

/** `bos_token` and the like; they are strings or `{content}`. */
function namedTokens(tokenizerConfig: unknown): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries((tokenizerConfig ?? {}) as Record<string, unknown>)) {
    const parsed = z.union([z.string(), z.looseObject({ content: z.string() })]).safeParse(value);
    if (/^(bos|eos|pad|unk)_token$/.test(key) && parsed.success) tokens[key] = typeof parsed.data === 'string' ? parsed.data : parsed.data.content;
  }
  return tokens;
}

const id = z.int().nonnegative();
const generationSchema = z.looseObject({ eos_token_id: z.union([id, z.array(id)]).nullish(), pad_token_id: id.nullish() });

/** Falls back on config.json's fields where there is no generation config. */
function parseGeneration(folder: string, config: ModelConfig, files: Files): GenerationConfig {
  const own = GENERATION in files ? json(folder, files, GENERATION) : {};
  const inherited = (config.raw['text_config'] ?? {}) as Record<string, unknown>;
  for (const fields of [own, config.raw, inherited]) {
    const parsed = generationSchema.safeParse(fields);
    if (!parsed.success) throw new InputError(`${join(folder, GENERATION)}: eos_token_id must be a token id or a list of them`);
    const { eos_token_id: eos, pad_token_id: pad } = parsed.data;
    if (eos === undefined || eos === null) continue;
    const eosTokenIds = typeof eos === 'number' ? [eos] : eos;
    return { eosTokenIds, padTokenId: pad ?? eosTokenIds[0] ?? 0 };
  }
  throw new InputError(`${join(folder, GENERATION)}: eos_token_id is missing; without it no response would ever end`);
}

/**
 * Writes a whole folder, atomically: it is made beside its place and moved there when complete, so what was there before stands until then.
 * Weights are stored under hub names as float32 (or bfloat16) and config.json says so; above `shardBytes` (default 5 GB) they are sharded.
 */
export async function saveModelFolder(
  folder: string,
  model: Pick<ModelFolder, 'config' | 'params' | 'files'>,
  dtype: 'F32' | 'BF16' = 'F32',
  shardBytes?: number,
): Promise<void> {
  const place = join(dirname(folder), `.${basename(folder)}.${process.pid}`);
  const [fresh, old] = [`${place}.new`, `${place}.old`];
  try {
    await rm(fresh, { recursive: true, force: true });
    makeFolder(fresh);
    await writeAtomic(join(fresh, CONFIG), [`${JSON.stringify(savedConfig(model.config, dtype), null, 2)}\n`]);
    for (const [name, text] of Object.entries(model.files)) await writeAtomic(join(fresh, name), [text]);
    await writeCheckpoint(fresh, model.params, dtype, shardBytes);
    await putInPlace(fresh, folder, old);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Moves `fresh` to `folder`; what was there is kept as `old` until that is done, and put back if it fails. */
export async function putInPlace(fresh: string, folder: string, old: string): Promise<void> {
  const replaced = await rename(folder, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(fresh, folder);
  } catch (error) {
    if (replaced) await rename(old, folder);
    throw error;
  }
  await syncFolder(dirname(folder));
  if (replaced) await rm(old, { recursive: true, force: true });
}

function savedConfig(config: ModelConfig, dtype: 'F32' | 'BF16'): Record<string, unknown> {
  const name = dtype === 'F32' ? 'float32' : 'bfloat16';
  const raw: Record<string, unknown> = { ...config.raw };
  raw['dtype' in raw ? 'dtype' : 'torch_dtype'] = name;
  for (const part of ['text_config', 'vision_config']) {
    const inner = raw[part] as Record<string, unknown> | null | undefined;
    if (inner) raw[part] = { ...inner, ...('dtype' in inner && { dtype: name }), ...('torch_dtype' in inner && { torch_dtype: name }) };
  }
  return raw;
}
