/** Chat templates: messages -> the text that is tokenized. */
import { Template } from '@huggingface/jinja';
import { InputError } from '../../protocol/errors.ts';

export type ContentPart = { readonly type: 'image' } | { readonly type: 'text'; readonly text: string };

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ContentPart[];
}

/** Renders a conversation, ready for the assistant's turn. */
export type ChatTemplate = (messages: readonly ChatMessage[]) => string;

/**
 * @param tokens bos, eos and pad tokens, which templates may use. @throws InputError when the template cannot be parsed
 * or refuses the messages.
 */
export function parseChatTemplate(
  source: string,
  tokens: Readonly<Record<string, string>>,
  file: string,
): ChatTemplate {
  const attempt = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw new InputError(`${file}: chat template: ${(error as Error).message}`);
    }
  };
  const template = attempt(() => new Template(source));
  return (messages) => attempt(() => template.render({ messages, add_generation_prompt: true, ...tokens }));
}
