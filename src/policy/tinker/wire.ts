/** What a Tinker API server takes and answers, as far as a policy needs it (tinker 0.38, SkyRL 0.3), as JSON. */
import { z } from 'zod';

/** A piece of a prompt; a picture is as many tokens as `expected_tokens`. */
export type Chunk =
  | { readonly type: 'encoded_text'; readonly tokens: readonly number[] }
  | { readonly type: 'image'; readonly data: string; readonly format: 'png'; readonly expected_tokens: number };

/** One sequence of a pass. The arrays of `loss_fn_inputs` are parallel to the tokens of `model_input`. */
export interface Datum {
  readonly model_input: { readonly chunks: readonly Chunk[] };
  readonly loss_fn_inputs: Readonly<Record<string, TensorData>>;
}

interface TensorData {
  readonly data: readonly number[];
  readonly dtype: 'int64' | 'float32';
  readonly shape: readonly [number];
}

export function tensor(data: readonly number[], dtype: TensorData['dtype'] = 'float32'): TensorData {
  return { data, dtype, shape: [data.length] };
}

export function tokensIn(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, chunk) => sum + (chunk.type === 'image' ? chunk.expected_tokens : chunk.tokens.length), 0);
}

/** The answer to a request whose result comes later. */
export const future = z.object({ request_id: z.union([z.string(), z.int()]).transform(String) });
export const created = future.extend({ model_id: z.string().min(1) });
export const session = z.object({ session_id: z.string().min(1) });
export const capabilities = z.object({ supported_models: z.array(z.object({ model_name: z.string().nullish() })) });

/** Said in place of a result: it is not there yet. */
export const tryAgain = z.object({ type: z.literal('try_again') });
/** Said in place of a result: there will be none. */
export const failed = z.object({ error: z.string(), category: z.string().nullish() });
/** How a server says what is wrong. */
export const refusal = z.union([
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z
    .object({ detail: z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })) })
    .transform(({ detail }) => detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ')),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

export const done = z.looseObject({});
export const saved = z.object({ path: z.string().regex(/^tinker:\/\//) });

export const sampled = z.object({
  sequences: z.array(
    z.object({ tokens: z.array(z.int()), logprobs: z.array(z.number()), stop_reason: z.enum(['stop', 'length']) }),
  ),
  prompt_logprobs: z.array(z.number().nullable()).nullish(),
});

const floats = z.object({ data: z.array(z.number()) });
export const passed = z.object({ loss_fn_outputs: z.array(z.object({ logprobs: floats })) });
export const stepped = z.object({ metrics: z.record(z.string(), z.number()).nullish() });
