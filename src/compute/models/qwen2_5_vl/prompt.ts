/** A question and its pictures as the model sees them. The trainer and the generator encode with this one function. */
import { InputError } from '../../../protocol/errors.ts';
import type { Picture } from '../../../protocol/messages.ts';
import type { ModelConfig } from './config.ts';
import type { ChatTemplate } from '../../hf/chat.ts';
import { processImage, type ImageProcessor } from './processor.ts';
import type { Tokenizer } from '../../hf/tokenizer.ts';
import type { EncodedPrompt } from '../../programs/batch.ts';
import { imageTokens, ropeIndex } from './rope.ts';
import type { PatchedImage } from './vision-plan.ts';

/** What encoding needs of a model folder. */
export interface PromptEncoder {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly chat: ChatTemplate;
  readonly processor: ImageProcessor;
  /** What is asked, with `{question}` for the question's text; absent: the text alone. */
  readonly template?: string | undefined;
}

/**
 * The pictures come first, then the text, in one user turn of the folder's chat template.
 * @param newTokens room that must be left in the context for the response.
 * @throws InputError when prompt and response do not fit the context, or the text itself holds image tokens.
 */
export function encodePrompt(
  model: PromptEncoder,
  question: { readonly text: string; readonly pictures: readonly Picture[] },
  newTokens = 0,
): EncodedPrompt {
  const { config } = model;
  const images = question.pictures.map((picture) => processImage(model.processor, picture));
  const ids = expandImages(config, model.tokenizer.encode(renderPrompt(model, question.text, images.length)), images);
  const limit = config.text.maxPositions;
  if (ids.length + newTokens > limit) {
    const room = newTokens > 0 ? ` and ${newTokens} of response` : '';
    throw new InputError(`a question of ${ids.length} tokens${room} is longer than the model's context of ${limit}: ${excerpt(question.text)}`);
  }
  const positions = ropeIndex(
    config,
    ids,
    images.map((image) => image.grid),
  );
  return { ids, positions: positions.ids, nextPosition: positions.next, images };
}

/** The prompt as text: of each picture it has one image token. */
export function renderPrompt({ chat }: Pick<PromptEncoder, 'chat'>, text: string, pictures: number): string {
  const images = Array.from({ length: pictures }, () => ({ type: 'image' }) as const);
  return chat([{ role: 'user', content: [...images, { type: 'text', text }] }]);
}

/** The template writes one image token a picture; the model wants one for each merged patch. */
function expandImages(config: ModelConfig, ids: readonly number[], images: readonly PatchedImage[]): number[] {
  const found = ids.filter((id) => id === config.imageTokenId).length;
  if (found !== images.length) {
    throw new InputError(`the chat template and the question's text hold ${found} image tokens for ${images.length} pictures`);
  }
  let next = 0;
  return ids.flatMap((id) =>
    id === config.imageTokenId ? Array.from<number>({ length: imageTokens(images[next++]!.grid, config.vision.mergeSize) }).fill(id) : [id],
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
