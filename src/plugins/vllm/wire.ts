/** What a vLLM server takes and answers, as far as the sampler needs it (vLLM 0.32, chat completions). */
import type { Picture, Sample } from 'quorum';
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

/** How a server says what is wrong. */
export const refusal = z.object({ error: z.object({ message: z.string() }) });

/** A question as messages of a chat; the pictures come first, as in the learner's prompt. */
export function messages(turns: { readonly user: string; readonly system?: string }, pictures: readonly string[]) {
  const images = pictures.map((url) => ({ type: 'image_url', image_url: { url } }));
  const content = [...images, { type: 'text', text: turns.user }];
  const user = { role: 'user', content };
  return turns.system === undefined ? [user] : [{ role: 'system', content: turns.system }, user];
}

/** The picture as a BMP file in a data URL: a format without compression, which needs no library. */
export function dataUrl({ width, height, channels, data }: Picture): string {
  const stride = 4 * Math.ceil((3 * width) / 4);
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + stride * height, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(-height, 22); // rows from the top
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  header.writeUInt32LE(stride * height, 34);
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        pixels[y * stride + 3 * x + 2 - c] = data[channels * (y * width + x) + (channels < 3 ? 0 : c)]!;
  return `data:image/bmp;base64,${Buffer.concat([header, pixels]).toString('base64')}`;
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
