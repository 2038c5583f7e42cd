/** `tokenizer.json` through Hugging Face's own JavaScript tokenizer. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { InputError } from '../../protocol/errors.ts';

export interface Tokenizer {
  /** Special tokens written out in the text (`<|im_end|>`) become their ids; none are added. */
  encode(text: string): number[];
  /** Special tokens are left out unless asked for. */
  decode(ids: readonly number[], options?: { readonly special?: boolean }): string;
  tokenId(token: string): number | undefined;
}

/** @throws InputError naming the folder when the files are not a tokenizer's. */
export function parseTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown, file: string): Tokenizer {
  const inner = construct(tokenizerJson, tokenizerConfig, file);
  return {
    encode: (text) => inner.encode(text, { add_special_tokens: false }).ids,
    decode: (ids, options) =>
      ids.length === 0 ? '' : inner.decode([...ids], { skip_special_tokens: !(options?.special ?? false) }),
    tokenId: (token) => inner.token_to_id(token),
  };
}

function construct(tokenizerJson: unknown, tokenizerConfig: unknown, file: string): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizerJson, tokenizerConfig);
  } catch (error) {
    throw new InputError(`${file}: not a tokenizer that can be loaded: ${(error as Error).message}`);
  }
}
