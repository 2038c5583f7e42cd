/** Encodes a question and its pictures as the model's input. The trainer and the generator share this function. */
import { InputError } from '../../protocol/errors.ts';
import type { Picture } from '../../protocol/messages.ts';
import type { ChatTemplate } from '../hf/chat.ts';
import type { Tokenizer } from '../hf/tokenizer.ts';
import type { Architecture, EncodedPrompt, PatchedImage, PictureProcessor } from './family.ts';

/** The parts of a model folder that encoding needs. */
export interface PromptEncoder {
  readonly model: Architecture;
  readonly tokenizer: Tokenizer;
  readonly chat: ChatTemplate;
  /** Absent when the model takes no pictures. */
  readonly processor?: PictureProcessor | undefined;
  /** The user turn, with `{question}` in place of the question's text; absent: the text alone. */
  readonly template?: string | undefined;
  /** The system turn; absent: the chat template's default. */
  readonly system?: string | undefined;
  /** Rows of the decoder that a picture takes, at most; larger ones are scaled down. */
  readonly maxPictureTokens?: number | undefined;
}

/**
 * The pictures come first, then the text, in one user turn of the folder's chat template.
 * @param newTokens tokens of the context that the response needs.
 * @throws InputError when prompt and response do not fit the context, the text itself holds image tokens, or the model
 * takes no pictures.
 */
export function encodePrompt(
  encoder: PromptEncoder,
  question: { readonly text: string; readonly pictures: readonly Picture[] },
  newTokens = 0,
): EncodedPrompt {
  const { model, tokenizer } = encoder;
  const images = question.pictures.map((picture) => process(encoder, picture));
  const ids = expandImages(model, tokenizer.encode(renderPrompt(encoder, question.text, images.length)), images);
  const limit = model.dimensions.maxPositions;
  if (ids.length + newTokens > limit) {
    const room = newTokens > 0 ? ` and ${newTokens} of response` : '';
    throw new InputError(
      `a question of ${ids.length} tokens${room} is longer than the model's context of ${limit}: ${excerpt(question.text)}`,
    );
  }
  const positions = model.positions.of(ids, images);
  const scaledImages = images.filter(({ wantedRows }) => wantedRows !== undefined).length;
  return { ids, positions: positions.ids, nextPosition: positions.next, images, scaledImages };
}

function process({ model, processor, maxPictureTokens }: PromptEncoder, picture: Picture): PatchedImage {
  if (processor) return processor(picture, maxPictureTokens);
  throw new InputError(
    `a question has a picture, but a model of type "${model.modelType}" takes none: ask without pictures, or use another model`,
  );
}

/** Renders the prompt as text, with one image token per picture. */
export function renderPrompt(
  { chat, system }: Pick<PromptEncoder, 'chat' | 'system'>,
  text: string,
  pictures: number,
): string {
  const images = Array.from({ length: pictures }, () => ({ type: 'image' }) as const);
  const told = system === undefined ? [] : [{ role: 'system', content: system } as const];
  return chat([...told, { role: 'user', content: [...images, { type: 'text', text }] }]);
}

/** Repeats image tokens: the template writes one per picture, the model takes one per merged patch. */
function expandImages({ vision }: Architecture, ids: readonly number[], images: readonly PatchedImage[]): number[] {
  if (!vision) return [...ids];
  const found = ids.filter((id) => id === vision.tokenId).length;
  if (found !== images.length) {
    throw new InputError(
      `the chat template and the question's text hold ${found} image tokens for ${images.length} pictures`,
    );
  }
  let next = 0;
  return ids.flatMap((id) =>
    id === vision.tokenId ? Array.from<number>({ length: vision.rows(images[next++]!) }).fill(id) : [id],
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
