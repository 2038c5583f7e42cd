/** Pictures of any size in the paper's setting: 262,144 to 1,204,224 pixels, 2,048 tokens of prompt and of response. */
import { beforeAll, describe, expect, it } from 'vitest';
import { parseChatTemplate } from '../../../../src/compute/hf/chat.ts';
import { parseTokenizer } from '../../../../src/compute/hf/tokenizer.ts';
import { parseModel } from '../../../../src/compute/models/index.ts';
import { encodePrompt, type PromptEncoder } from '../../../../src/compute/models/prompt.ts';
import { RANDOM_SHAPES, randomConfig } from '../../../../src/pretrain/random/shapes.ts';
import { byteTokenizer, tokenizerConfig } from '../../../../src/pretrain/random/tokenizer.ts';
import type { Picture } from '../../../../src/protocol/messages.ts';

const BOUNDS = { min_pixels: 262_144, max_pixels: 1_204_224 };
const RESPONSE = 2_048;
/** Pixels a token of a picture. */
const TOKEN = 28 * 28;
const shape = { ...RANDOM_SHAPES['7b'], vocabSize: 512, firstSpecialId: 300 };

let encoder: PromptEncoder;
beforeAll(() => {
  const model = parseModel({ ...randomConfig(shape), max_position_embeddings: 4_096 }, 'config.json');
  encoder = {
    model,
    tokenizer: parseTokenizer(byteTokenizer(shape), tokenizerConfig(shape), 'tokenizer.json'),
    chat: parseChatTemplate(
      "{% for part in messages[0]['content'] %}{{ part['text'] or '<|image_pad|>' }}{% endfor %}",
      {},
      '',
    ),
    processor: model.vision!.processor(BOUNDS, 'preprocessor_config.json'),
  };
});

const blank = (width: number, height: number): Picture => ({
  width,
  height,
  channels: 1,
  data: new Uint8Array(width * height),
});

describe('a context of 4,096 tokens', () => {
  it.each([
    [20, 20],
    [31, 500],
    [640, 480],
    [1_600, 1_201],
    [2_400, 130],
  ])('holds a picture of %d x %d, scaled to the bounds, and a response', (width, height) => {
    const { ids, images } = encodePrompt(encoder, { text: 'Find x.', pictures: [blank(width, height)] }, RESPONSE);
    const [, rows, columns] = images[0]!.grid;
    const pixels = rows * columns * 14 * 14;
    expect(pixels).toBeLessThanOrEqual(BOUNDS.max_pixels);
    expect(pixels).toBeGreaterThanOrEqual(BOUNDS.min_pixels);
    expect(ids.length).toBe(pixels / TOKEN + 'Find x.'.length);
    expect(ids.length).toBeLessThanOrEqual(RESPONSE);
  });

  it('holds no two large pictures, of 33 x 45 tokens each', () => {
    const pictures = [blank(1_600, 1_201), blank(1_600, 1_201)];
    expect(() => encodePrompt(encoder, { text: 'Find x.', pictures }, RESPONSE)).toThrow(
      /a question of 2977 tokens and 2048 of response is longer than the model's context of 4096: "Find x\."/,
    );
  });
});
