/**
 * Chats as a cell: OpenAI's `messages` (`role`, `content`), ShareGPT's and LLaVA's `conversations` (`from`, `value`),
 * verl's `prompt`.
 */
import { isRecord } from '../columns.ts';

type Message = Readonly<Record<string, unknown>>;

const USER = new Set(['user', 'human']);
const MODEL = new Set(['assistant', 'gpt', 'model', 'bot', 'chatgpt', 'bard', 'bing']);

export function isMessages(value: unknown): value is readonly Message[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((each) => isRecord(each) && roleOf(each) !== undefined)
  );
}

function roleOf(message: Message): string | undefined {
  const role = 'content' in message ? message['role'] : 'value' in message ? message['from'] : undefined;
  return typeof role === 'string' ? role.toLowerCase() : undefined;
}

/** The user's messages before the model's first reply. */
function asked(messages: readonly Message[]): readonly Message[] {
  const reply = messages.findIndex((message) => MODEL.has(roleOf(message)!));
  return (reply < 0 ? messages : messages.slice(0, reply)).filter((message) => USER.has(roleOf(message)!));
}

/** The texts of the user, before the model's first reply. */
export function questionOfMessages(messages: readonly Message[]): string {
  return asked(messages)
    .flatMap(partsOf)
    .map(textOf)
    .filter((text) => text !== '')
    .join('\n');
}

/** The model's first reply; undefined when it is empty. */
export function replyOfMessages(messages: readonly Message[]): string | undefined {
  const reply = messages.find((message) => MODEL.has(roleOf(message)!));
  return reply && (partsOf(reply).map(textOf).join('\n').trim() || undefined);
}

/** Picture values in the user's messages before the model's first reply. */
export function picturesOfMessages(messages: readonly Message[]): readonly unknown[] {
  return asked(messages).flatMap(partsOf).flatMap(picturesOfPart);
}

function partsOf(message: Message): readonly unknown[] {
  const content = message['content'] ?? message['value'];
  return Array.isArray(content) ? content : [content];
}

function textOf(part: unknown): string {
  const text = isRecord(part) ? part['text'] : part;
  return typeof text === 'string' ? text : '';
}

/**
 * `image_url` (OpenAI), `image` (Qwen and chat templates), `source` (Anthropic); a part `{type: image}` alone marks
 * where a picture of another column goes.
 */
function picturesOfPart(part: unknown): readonly unknown[] {
  if (!isRecord(part)) return [];
  const {
    image_url: url,
    image,
    source,
  } = part as { readonly image_url?: unknown; readonly image?: unknown; readonly source?: unknown };
  if (isRecord(source) && typeof source['data'] === 'string') return [`data:image;base64,${source['data']}`];
  return [url, image].flatMap((value) => (value === null || value === undefined || value === '' ? [] : [value]));
}
