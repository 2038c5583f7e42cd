/**
 * Identifies a base model independent of its folder's name and place: digests of its configuration, its tokenizer and
 * its weights, and of the files that turn a question into a prompt. Weights are hashed tensor by tensor, so how they
 * are divided into files does not matter.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../protocol/errors.ts';
import { digestSafetensors, parseJson } from './safetensors.ts';
import { weightFiles } from './shards.ts';

export interface BaseIdentity {
  readonly configuration: string;
  readonly tokenizer: string;
  readonly weights: string;
  /** Digest of the chat template, the image processor and the tokens that end a response. */
  readonly prompt: string;
  /**
   * Paths, sizes and times of the weights' files: while they stay, their digest does, and several GB need not be read
   * again.
   */
  readonly stamp: string;
}

/** Keys of `config.json` that say which program wrote it. */
const WRITER = new Set(['_name_or_path', 'transformers_version']);
const PROMPT_FILES = [
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
  'generation_config.json',
];

/**
 * Undefined where `folder` holds no model that can be read; opening the model says why. @param known what an earlier
 * call returned.
 */
export async function identifyBase(
  folder: string,
  known?: Pick<BaseIdentity, 'weights' | 'stamp'>,
): Promise<BaseIdentity | undefined> {
  try {
    return await identify(folder, known);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

async function identify(
  folder: string,
  known: Pick<BaseIdentity, 'weights' | 'stamp'> | undefined,
): Promise<BaseIdentity | undefined> {
  const file = join(folder, 'config.json');
  const configuration = await readFile(file, 'utf8').catch(() => undefined);
  if (configuration === undefined) return undefined;
  const files = await weightFiles(folder);
  const stamp = await stampOf(files);
  return {
    configuration: sha256(canonical(parseJson(configuration, file))),
    tokenizer: sha256(await textOf(join(folder, 'tokenizer.json'))),
    weights: known?.stamp === stamp ? known.weights : await digestOf(files),
    prompt: sha256(JSON.stringify(await Promise.all(PROMPT_FILES.map((name) => textOf(join(folder, name)))))),
    stamp,
  };
}

async function digestOf(files: readonly string[]): Promise<string> {
  const tensors: [string, string][] = [];
  for (const file of files) tensors.push(...Object.entries(await digestSafetensors(file)));
  return sha256(JSON.stringify(tensors.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/** Paths, sizes and times of files. The time of the inode's change is among them: no copy keeps it. */
export async function stampOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return JSON.stringify(stats.map((each, i) => [files[i], each?.ino, each?.size, each?.mtimeMs, each?.ctimeMs]));
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/** Without the order of keys and without what names the program that wrote it. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(([key]) => !WRITER.has(key));
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
