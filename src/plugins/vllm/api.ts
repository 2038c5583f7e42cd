/** What a vLLM server takes and answers, as far as the sampler needs it (vLLM 0.32, chat completions). */
import type { Sample } from 'quorum';
import { z } from 'zod';

export const modelList = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.int().nullish() })).min(1),
});

export const tokenized = z.object({ tokens: z.array(z.int()) });

const logprob = z.object({
  logprob: z.number(),
  top_logprobs: z.array(z.object({ logprob: z.number() })).nullish(),
});

const choice = z.object({
  index: z.int(),
  message: z.object({ content: z.string().nullish() }),
  finish_reason: z.enum(['stop', 'length']),
  token_ids: z.array(z.int()),
  logprobs: z.object({ content: z.array(logprob) }),
});

export const completion = z.object({
  choices: z.array(choice).min(1),
  prompt_token_ids: z.array(z.int()),
});

export type Completion = z.output<typeof completion>;

/** A question as messages of a chat; the pictures come first, as in the learner's prompt. */
export function messages(turns: { readonly user: string; readonly system?: string }, pictures: readonly string[]) {
  const images = pictures.map((url) => ({ type: 'image_url', image_url: { url } }));
  const content = [...images, { type: 'text', text: turns.user }];
  const user = { role: 'user', content };
  return turns.system === undefined ? [user] : [{ role: 'system', content: turns.system }, user];
}

/** The G samples of a reply, in order. @throws Error when tokens and log-probabilities are not parallel. */
export function samplesOf({ choices }: Completion, wanted: number): Omit<Sample, 'text'>[] {
  if (choices.length !== wanted) throw new Error(`it answered ${choices.length} samples, not ${wanted}`);
  return choices
    .toSorted((a, b) => a.index - b.index)
    .map(({ token_ids: tokens, logprobs: { content }, finish_reason: finish }) => {
      if (tokens.length !== content.length)
        throw new Error(`it answered ${tokens.length} tokens with ${content.length} log-probabilities`);
      return { tokens, logprobs: content.map((token) => Math.min(0, token.logprob)), finish };
    });
}
