/**
 * A byte-level tokenizer with the family's special tokens at their own ids: each byte of a text is a token, and every
 * token decodes to text. Ids between the bytes and the special tokens, which the family's 150,000 merges fill, are
 * `<256>` and so on; a model can generate them, but no text encodes to them.
 */
import { addedTokens, type RandomShape } from './shapes.ts';

const BYTES = 256;
const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/**
 * Returns GPT-2's characters for bytes in the order of their ids: printable bytes first, then the others from U+0100.
 */
function byteCharacters(): string[] {
  const bytes = Array.from({ length: BYTES }, (_, byte) => byte);
  const others = bytes.filter((byte) => !isPrintable(byte));
  return [...bytes.filter(isPrintable), ...others.map((_, i) => BYTES + i)].map((code) => String.fromCodePoint(code));
}

function vocabulary({ firstSpecialId }: RandomShape): Record<string, number> {
  const fillers = Array.from({ length: firstSpecialId - BYTES }, (_, i) => `<${BYTES + i}>`);
  return Object.fromEntries([...byteCharacters(), ...fillers].map((token, id) => [token, id]));
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
const PLAIN = { single_word: false, lstrip: false, rstrip: false, normalized: false };

/** Returns tokenizer.json, with the family's normalizer and decoder. */
export function byteTokenizer(shape: RandomShape): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(shape).map((token) => ({ ...token, ...PLAIN })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: BYTE_LEVEL,
    post_processor: BYTE_LEVEL,
    decoder: BYTE_LEVEL,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary(shape),
      merges: [],
    },
  };
}

export function tokenizerConfig(shape: RandomShape): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: false,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(
      addedTokens(shape).map(({ id, ...token }) => [id, { ...token, ...PLAIN }]),
    ),
    additional_special_tokens: addedTokens(shape).flatMap(({ content, special }) =>
      special && content !== '<|endoftext|>' ? [content] : [],
    ),
    bos_token: null,
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
    unk_token: null,
    clean_up_tokenization_spaces: false,
    errors: 'replace',
    model_max_length: 131_072,
    split_special_tokens: false,
  };
}
