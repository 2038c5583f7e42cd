/** What an SGLang server takes and answers at `/generate`, as far as the sampler needs it (SGLang 0.5.23). */
import { createHash } from 'node:crypto';
import type { Sample } from 'quorum';
import { z } from 'zod';
import type { Probe, Version } from '../servers/wire.ts';

export const modelList = z.object({ data: z.array(z.object({ max_model_len: z.int().nullish() })).min(1) });

export const serverInfo = z.object({
  served_model_name: z.string(),
  enable_deterministic_inference: z.boolean().nullish(),
});

/** Log-probability, token, and its text where that was asked for. */
const token = z.tuple([z.number(), z.int()]).rest(z.unknown());

const output = z.object({
  output_ids: z.array(z.int()),
  prompt_token_ids: z.array(z.int()),
  meta_info: z.object({
    finish_reason: z.object({ type: z.enum(['stop', 'length']) }),
    weight_version: z.string().nullish(),
    output_token_logprobs: z.array(token),
    output_top_logprobs: z.array(z.array(token)).nullish(),
  }),
});

/** One output, or a list of several. */
export const generated = z.union([output.transform((one) => [one]), z.array(output).min(1)]);

export type Generated = z.output<typeof generated>;

/**
 * The prompt of a question. A server counts the tokens of a picture itself, so a prompt with pictures is its text, with
 * one mark for each; any other is its tokens. A server keeps what it made of a picture when its weights change (SGLang
 * 0.5.23), by a hash: one that names the weights, too, keeps versions apart.
 */
export function promptOf({ text, tokens, pictures }: Probe, { weights, adapter }: Version): object {
  if (pictures.length === 0) return { input_ids: tokens };
  const hash = (picture: string): string =>
    createHash('sha256').update(weights).update(picture).digest('hex').slice(0, 16);
  return { text, image_data: pictures, ...(adapter === undefined && { mm_hashes: pictures.map(hash) }) };
}

/** The G samples of a reply. @throws Error when tokens and log-probabilities are not parallel. */
export function samplesOf(outputs: Generated, wanted: number): Omit<Sample, 'text'>[] {
  if (outputs.length !== wanted) throw new Error(`it answered ${outputs.length} samples, not ${wanted}`);
  return outputs.map(({ output_ids: tokens, meta_info: { output_token_logprobs: drawn, finish_reason: finish } }) => {
    if (tokens.length !== drawn.length)
      throw new Error(`it answered ${tokens.length} tokens with ${drawn.length} log-probabilities`);
    return { tokens, logprobs: drawn.map(([logprob]) => Math.min(0, logprob)), finish: finish.type };
  });
}
