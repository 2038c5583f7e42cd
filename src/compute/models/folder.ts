/** Reads and checks a model in an ordinary Hugging Face folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../protocol/errors.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import { parseChatTemplate } from '../hf/chat.ts';
import { missingFolder } from '../hf/missing-folder.ts';
import type { StoredType } from '../hf/half.ts';
import { parseJson } from '../hf/safetensors.ts';
import { parseTokenizer } from '../hf/tokenizer.ts';
import { CONFIG, withoutAdapters } from './adapted.ts';
import { withNetwork, type Architecture, type Model, type PictureProcessor } from './family.ts';
import { parseModel } from './index.ts';
import type { PromptEncoder } from './prompt.ts';
import { loadParams, storedTypes } from './weights.ts';

/** The token ids of `generation_config.json`. */
export interface GenerationConfig {
  /** Tokens that end a response. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
}

/** The content of a folder, except its weights. */
export interface ModelFiles extends PromptEncoder {
  readonly model: Model;
  readonly generationConfig: GenerationConfig;
  /** The type of each tensor on disk; in memory all are float32. */
  readonly dtypes: Readonly<Record<string, StoredType>>;
  /** The folder's other files by name, as text; saved again unchanged. */
  readonly files: Readonly<Record<string, string>>;
}

export interface ModelFolder extends ModelFiles {
  readonly params: TensorMap;
}

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const PROCESSOR = 'preprocessor_config.json';
const NESTED = 'processor_config.json';
const GENERATION = 'generation_config.json';
/** The files that are copied together with the weights. */
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
  NESTED,
];

/** @throws InputError naming the file and the field or tensor. */
export async function loadModelFolder(folder: string): Promise<ModelFolder> {
  const files = await loadModelFiles(folder);
  return { ...files, params: await loadParams(folder, files.model) };
}

/**
 * Reads the stored types of the weights, but not their values. @throws InputError naming the file and the field or
 * tensor.
 */
export async function loadModelFiles(folder: string): Promise<ModelFiles> {
  const architecture = await loadArchitecture(folder);
  const files = await readSidecars(folder);
  const encoder = parseEncoder(folder, architecture, files);
  const dtypes = await storedTypes(folder, architecture);
  const generationConfig = parseGeneration(folder, architecture, files);
  return { ...encoder, model: await withNetwork(architecture), dtypes, generationConfig, files };
}

/**
 * Loads the config, tokenizer, chat template and image processor, without the weights and without TF.js. @throws
 * InputError
 */
export async function loadPromptEncoder(folder: string): Promise<PromptEncoder> {
  return parseEncoder(folder, await loadArchitecture(folder), await readSidecars(folder));
}

/** @throws InputError */
export async function loadGenerationConfig(
  folder: string,
  model: Pick<Architecture, 'raw'>,
): Promise<GenerationConfig> {
  return parseGeneration(folder, model, await readSidecars(folder));
}

/** Loads the architecture that config.json describes, without TF.js. @throws InputError */
export async function loadArchitecture(folder: string): Promise<Architecture> {
  const { file, config } = await readConfig(folder);
  return parseModel(config, file);
}

async function readConfig(folder: string): Promise<{ readonly file: string; readonly config: unknown }> {
  const file = join((await withoutAdapters(folder)).base, CONFIG);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new InputError(missingFolder(folder) ?? `${file}: cannot be read: ${error.message}`);
  });
  return { file, config: parseJson(text, file) };
}

/** What turns questions into tokens, of a folder whose model may be of any family. */
export interface PromptFiles extends Pick<PromptEncoder, 'tokenizer' | 'chat'> {
  /** config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** preprocessor_config.json; absent where the folder has none. */
  readonly processor?: unknown;
}

/** @throws InputError */
export async function loadPromptFiles(folder: string): Promise<PromptFiles> {
  const { config } = await readConfig(folder);
  const files = await readSidecars(folder);
  const processor = PROCESSOR in files ? json(folder, files, PROCESSOR) : undefined;
  return { ...parseText(folder, files), config: config as PromptFiles['config'], processor };
}

/** Reads the files that are copied together with the weights, by name. @throws InputError */
export async function readSidecars(of: string): Promise<Record<string, string>> {
  const folder = (await withoutAdapters(of)).base;
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

function parseEncoder(folder: string, model: Architecture, files: Files): PromptEncoder {
  return { model, ...parseText(folder, files), processor: imageProcessor(folder, model, files) };
}

function parseText(folder: string, files: Files): Pick<PromptEncoder, 'tokenizer' | 'chat'> {
  const tokenizerConfig = json(folder, files, TOKENIZER_CONFIG);
  return {
    tokenizer: parseTokenizer(json(folder, files, TOKENIZER), tokenizerConfig, join(folder, TOKENIZER)),
    chat: parseChatTemplate(templateSource(folder, files, tokenizerConfig), namedTokens(tokenizerConfig), folder),
  };
}

/** Searches in the order of transformers: the nested entry that version 5 writes, then the separate file. */
function imageProcessor(folder: string, { vision }: Architecture, files: Files): PictureProcessor | undefined {
  if (!vision) return undefined;
  const nested = NESTED in files ? nestedProcessor.safeParse(json(folder, files, NESTED)) : undefined;
  if (nested?.success) return vision.processor(nested.data.image_processor, `${join(folder, NESTED)}: image_processor`);
  if (!(PROCESSOR in files))
    throw new InputError(
      `${folder}: no image processor: ${PROCESSOR}, or ${NESTED} with "image_processor", must hold one`,
    );
  return vision.processor(json(folder, files, PROCESSOR), join(folder, PROCESSOR));
}

const nestedProcessor = z.looseObject({ image_processor: z.looseObject({}) });

const template = z.looseObject({
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]),
});

/** Searches in the order of transformers: the template's own file, the processor's, the tokenizer's. */
function templateSource(folder: string, files: Files, tokenizerConfig: unknown): string {
  const own = files['chat_template.jinja'];
  if (own !== undefined) return own;
  const candidates = [
    'chat_template.json' in files ? json(folder, files, 'chat_template.json') : undefined,
    tokenizerConfig,
  ];
  for (const candidate of candidates) {
    const parsed = template.safeParse(candidate);
    if (!parsed.success) continue;
    const found = parsed.data.chat_template;
    const source = typeof found === 'string' ? found : found.find(({ name }) => name === 'default')?.template;
    if (source !== undefined) return source;
  }
  throw new InputError(
    `${folder}: no chat template: chat_template.jinja, chat_template.json or tokenizer_config.json must hold one`,
  );
}

/** Reads `bos_token` and the like, which are strings or `{content}`. */
function namedTokens(tokenizerConfig: unknown): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries((tokenizerConfig ?? {}) as Record<string, unknown>)) {
    const parsed = z.union([z.string(), z.looseObject({ content: z.string() })]).safeParse(value);
    if (/^(bos|eos|pad|unk)_token$/.test(key) && parsed.success)
      tokens[key] = typeof parsed.data === 'string' ? parsed.data : parsed.data.content;
  }
  return tokens;
}

const id = z.int().nonnegative();
const generationSchema = z.looseObject({
  eos_token_id: z.union([id, z.array(id)]).nullish(),
  pad_token_id: id.nullish(),
});

/** Falls back to config.json's fields when there is no generation config. */
function parseGeneration(folder: string, { raw }: Pick<Architecture, 'raw'>, files: Files): GenerationConfig {
  const own = GENERATION in files ? json(folder, files, GENERATION) : {};
  const inherited = (raw['text_config'] ?? {}) as Record<string, unknown>;
  for (const fields of [own, raw, inherited]) {
    const parsed = generationSchema.safeParse(fields);
    if (!parsed.success)
      throw new InputError(`${join(folder, GENERATION)}: eos_token_id must be a token id or a list of them`);
    const { eos_token_id: eos, pad_token_id: pad } = parsed.data;
    if (eos === undefined || eos === null) continue;
    const eosTokenIds = typeof eos === 'number' ? [eos] : eos;
    return { eosTokenIds, padTokenId: pad ?? eosTokenIds[0] ?? 0 };
  }
  throw new InputError(`${join(folder, GENERATION)}: eos_token_id is missing; without it no response would ever end`);
}
