/**
 * The tokenizer of a mini model: words of its prompts, and single characters for numbers and operators. It has no
 * merges, because it is not trained.
 */

export const SPECIAL_TOKENS = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '<unk>',
] as const;

/** A word keeps the space before it, and any other token is one character, so that decoding is plain concatenation. */
const PIECE = '(?:system|user|assistant)\\n| ?[A-Za-z]+| ?\\\\boxed\\{|[\\s\\S]';

const CHARACTERS = '0123456789+-*/=().,:?{} \n';
const ROLES = ['system\n', 'user\n', 'assistant\n'];
const BOXES = ['\\boxed{', ' \\boxed{'];

function promptPieces(texts: readonly string[]): string[] {
  const pieces = texts.flatMap((text) => text.replace('{k}', '1').match(new RegExp(PIECE, 'gu')) ?? []);
  return [...new Set(pieces.filter((piece) => /[A-Za-z]/.test(piece)))].toSorted();
}

/** Token -> id; special tokens first. @param texts whose words are tokens. */
export function vocabulary(texts: readonly string[]): Record<string, number> {
  const tokens = [...SPECIAL_TOKENS, ...CHARACTERS, ...BOXES, ...ROLES, ...promptPieces(texts)];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/**
 * tokenizer.json. A BPE model without merges that looks up whole pieces is a word-level model, which both Hugging Face
 * tokenizers can load.
 */
export function tokenizerJson(texts: readonly string[]): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex: PIECE },
      behavior: 'Isolated',
      invert: false,
    },
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: vocabulary(texts),
      merges: [],
    },
  };
}

/**
 * Qwen2.5-VL's chat format without the default system turn and the line break between turns: each prompt token costs
 * time.
 */
export const CHAT_TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n" +
  "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>" +
  "{% elif content['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>" +
  "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>{% endfor %}" +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

export function tokenizerConfig(): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    processor_class: 'Qwen2_5_VLProcessor',
    added_tokens_decoder: Object.fromEntries(
      SPECIAL_TOKENS.map((content, id) => [
        id,
        {
          content,
          lstrip: false,
          normalized: false,
          rstrip: false,
          single_word: false,
          special: true,
        },
      ]),
    ),
    additional_special_tokens: SPECIAL_TOKENS.filter((token) => /im_|vision|pad/.test(token)),
    bos_token: null,
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
    unk_token: '<unk>',
    chat_template: CHAT_TEMPLATE,
    clean_up_tokenization_spaces: false,
    model_max_length: 512,
    padding_side: 'left',
  };
}
