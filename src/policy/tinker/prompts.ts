/**
 * Questions as prompts of a Tinker API: text as token ids, each picture a chunk between them. The chat template and
 * the tokenizer are those of the run's model folder; the model may be of any family. A picture is resized here as its
 * processor would, so that both sides count the same tokens.
 */
import { resizeBicubic } from '../../compute/hf/resize.ts';
import type { EncodedPrompt } from '../../compute/models/family.ts';
import { loadGenerationConfig, loadPromptFiles, type PromptFiles } from '../../compute/models/folder.ts';
import { renderPrompt } from '../../compute/models/prompt.ts';
import { smartResize } from '../../compute/models/smart-resize.ts';
import { promptText } from '../../compute/rollout/prompts.ts';
import type { Config } from '../../config/schema.ts';
import { encodePng } from '../../data/image.ts';
import { loadPicture } from '../../data/picture.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Picture, Question } from '../../protocol/messages.ts';
import type { ModelLimits } from '../../protocol/ports.ts';
import { z } from 'zod';
import { tokensIn, type Chunk } from './wire.ts';

/** A prompt that only the server encodes further. */
export interface ServerPrompt extends EncodedPrompt {
  readonly chunks: readonly Chunk[];
}

type Settings = Pick<Config, 'model' | 'promptTemplate' | 'prompt' | 'pictures'>;

const positive = z.int().positive();
const dimensions = z.looseObject({ vocab_size: positive, max_position_embeddings: positive });
const vision = z.looseObject({ image_token_id: z.int().nonnegative() });
const processor = z.looseObject({
  patch_size: positive,
  merge_size: positive,
  min_pixels: positive.nullish(),
  max_pixels: positive.nullish(),
  size: z.looseObject({ shortest_edge: positive.nullish(), longest_edge: positive.nullish() }).nullish(),
});

/** How pictures become tokens. */
interface Sizes {
  readonly tokenId: number;
  /** Pixels of a side of the square that becomes a token. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

export class Prompts {
  readonly limits: ModelLimits;
  readonly endTokens: readonly number[];
  /** Whether the server reads pictures. */
  areRead = false;
  readonly #files: PromptFiles;
  readonly #settings: Settings;
  readonly #sizes: Sizes | undefined;

  private constructor(files: PromptFiles, settings: Settings, endTokens: readonly number[]) {
    this.#files = files;
    this.#settings = settings;
    this.#sizes = sizesIn(files, settings.pictures.maxTokens);
    this.limits = limitsIn(files, settings.model);
    this.endTokens = endTokens;
  }

  /** @throws InputError naming the file. */
  static async open(settings: Settings): Promise<Prompts> {
    const files = await loadPromptFiles(settings.model);
    const { eosTokenIds } = await loadGenerationConfig(settings.model, { raw: files.config });
    return new Prompts(files, settings, eosTokenIds);
  }

  /** Whether the folder says how a picture becomes tokens (`image_token_id`, preprocessor_config.json). */
  get takesPictures(): boolean {
    return this.#sizes !== undefined;
  }

  decode(tokens: readonly number[]): string {
    return this.#files.tokenizer.decode(tokens);
  }

  /** @throws InputError for a picture that cannot be read, and a prompt that is too long with `newTokens` of response. */
  async encode(question: Question, newTokens = 0): Promise<ServerPrompt> {
    if (question.pictures.length > 0 && !this.areRead)
      throw new InputError(`question ${question.id} has a picture, and the Tinker server reads none`);
    const text = promptText(question, this.#settings.promptTemplate);
    const pictures = await Promise.all(question.pictures.map((ref) => loadPicture(ref)));
    const prompt = await this.#prompt(text, pictures);
    const length = prompt.nextPosition;
    if (length + newTokens > this.limits.context)
      throw new InputError(
        `question ${question.id} has ${length} tokens, with ${newTokens} of response more than the model's context of ${this.limits.context}`,
      );
    return prompt;
  }

  /** A prompt about the picture, to find out whether a server reads it. */
  probe(picture: Picture): Promise<ServerPrompt> {
    return this.#prompt('What is this?', [picture]);
  }

  async #prompt(text: string, pictures: readonly Picture[]): Promise<ServerPrompt> {
    const chat = { chat: this.#files.chat, system: this.#settings.prompt.system ?? undefined };
    const ids = this.#files.tokenizer.encode(renderPrompt(chat, text, pictures.length));
    const chunks = this.#chunks(ids, await Promise.all(pictures.map((picture) => this.#picture(picture))));
    return { ids, positions: [], nextPosition: tokensIn(chunks), images: [], chunks };
  }

  async #picture(picture: Picture): Promise<Chunk> {
    const { factor } = this.#sizes!;
    const [height, width] = smartResize(picture.height, picture.width, factor, this.#sizes!);
    const resized = resizeBicubic(picture, width, height);
    const png = await encodePng({ ...resized, channels: picture.channels });
    const expected_tokens = (height * width) / factor ** 2;
    return { type: 'image', data: png.toString('base64'), format: 'png', expected_tokens };
  }

  /** The template writes one image token a picture. */
  #chunks(ids: readonly number[], pictures: readonly Chunk[]): readonly Chunk[] {
    const at = ids.flatMap((id, i) => (id === this.#sizes?.tokenId ? [i] : []));
    if (at.length !== pictures.length)
      throw new InputError(
        `the chat template and the question's text hold ${at.length} image tokens for ${pictures.length} pictures`,
      );
    const starts = [0, ...at.map((i) => i + 1)];
    return starts.flatMap((from, i): Chunk[] => {
      const tokens = ids.slice(from, at[i] ?? ids.length);
      const text: Chunk[] = tokens.length > 0 ? [{ type: 'encoded_text', tokens }] : [];
      return pictures[i] ? [...text, pictures[i]] : text;
    });
  }
}

function limitsIn({ config }: PromptFiles, folder: string): ModelLimits {
  const found = [config, config['text_config']].map((each) => dimensions.safeParse(each)).find((each) => each.success);
  if (!found?.success)
    throw new InputError(`${folder}/config.json: \`vocab_size\` and \`max_position_embeddings\` must be whole numbers`);
  return { vocabulary: found.data.vocab_size, context: found.data.max_position_embeddings };
}

function sizesIn({ config, processor: given }: PromptFiles, maxTokens: number): Sizes | undefined {
  const [token, found] = [vision.safeParse(config), processor.safeParse(given)];
  if (!token.success || !found.success) return undefined;
  const { patch_size, merge_size, min_pixels, max_pixels, size } = found.data;
  const factor = patch_size * merge_size;
  const most = max_pixels ?? size?.longest_edge ?? Infinity;
  return {
    tokenId: token.data.image_token_id,
    factor,
    minPixels: Math.min(min_pixels ?? size?.shortest_edge ?? 0, maxTokens * factor ** 2),
    maxPixels: Math.min(most, maxTokens * factor ** 2),
  };
}
