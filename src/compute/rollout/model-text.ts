/** Gives plug-ins a model folder's tokenizer and prompts, outside the threads that compute. */
import { UnsupportedError } from '../../protocol/errors.ts';
import type { Question } from '../../protocol/messages.ts';
import type { ModelText, PromptSource } from '../../protocol/ports.ts';
import { loadPromptEncoder } from '../models/folder.ts';
import type { PromptEncoder } from '../models/prompt.ts';
import { encodeQuestion, promptText, renderQuestion } from './prompts.ts';

/** Reads the folder at the first call, because a tokenizer may take a hundred megabytes. */
export function modelText(source: PromptSource | undefined): ModelText {
  if (source === undefined) return { tokenizer: { encode: none, decode: none }, prompt: none };
  const { folder, ...settings } = source;
  let loading: Promise<PromptEncoder> | undefined;
  const load = async (): Promise<PromptEncoder> => ({ ...(await loadPromptEncoder(folder)), ...settings });
  const encoder = (): Promise<PromptEncoder> =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined; // a restart of the actor retries
      throw error;
    }));
  return {
    tokenizer: {
      encode: async (text) => (await encoder()).tokenizer.encode(text),
      decode: async (tokens, options) => (await encoder()).tokenizer.decode(tokens, options),
    },
    async prompt(question: Question) {
      const own = await encoder();
      const { ids } = await encodeQuestion(own, question);
      const { system, template } = own;
      const turns = { user: promptText(question, template), ...(system !== undefined && { system }) };
      return { text: renderQuestion(own, question), tokens: Array.from(ids), ...turns };
    },
  };
}

function none(): Promise<never> {
  return Promise.reject(
    new UnsupportedError("this run's policy has no model folder, and so no tokenizer and no prompts"),
  );
}
