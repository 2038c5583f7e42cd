/** The tokenizer and the prompts of a context, in the daemon and in a plug-in's thread. */
import { modelText } from '../compute/model-text.ts';
import { UnsupportedError } from '../protocol/errors.ts';
import type { ModelText, PromptSource } from '../protocol/ports.ts';

export function textOf(source: PromptSource | undefined): ModelText {
  if (source) return modelText(source);
  const none = (): Promise<never> =>
    Promise.reject(new UnsupportedError("this run's policy has no model folder, and so no tokenizer and no prompts"));
  return { tokenizer: { encode: none, decode: none }, prompt: none };
}
