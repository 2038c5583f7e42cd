/** Examples as token ids and patches. Prompts repeat, so their text side is encoded once each; pictures never do. */
import type { Tokenizer } from '@huggingface/tokenizers';
import type { ModelConfig } from '../compute/hf/config.ts';
import type { EncodedPrompt } from '../compute/model/batch.ts';
import { ropeIndex, type Grid } from '../compute/model/rope.ts';
import type { PatchedImage } from '../compute/model/vision-plan.ts';
import type { Picture } from '../protocol/messages.ts';
import { drawFigure, type FigureKey } from '../data/figures/figure.ts';
import type { Example } from './examples.ts';

export interface EncodedExample {
  readonly prompt: EncodedPrompt;
  /** Response ids, the end-of-turn token included. */
  readonly response: readonly number[];
}

const END = '<|im_end|>';

export class ExampleEncoder {
  private readonly tokenizer: Tokenizer;
  private readonly config: ModelConfig;
  private readonly prompts = new Map<string, Omit<EncodedPrompt, 'images'>>();

  constructor(tokenizer: Tokenizer, config: ModelConfig) {
    this.tokenizer = tokenizer;
    this.config = config;
  }

  encode(example: Example): EncodedExample {
    return { prompt: this.prompt(example.prompt, example.figure), response: this.ids(`${example.response}${END}`) };
  }

  prompt(text: string, figure: FigureKey): EncodedPrompt {
    const image = patchFigure(drawFigure(figure), this.config);
    return { ...this.promptText(text, image.grid), images: [image] };
  }

  decode(tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.tokenizer.decode([...tokens], { skip_special_tokens: true });
  }

  get stopTokens(): ReadonlySet<number> {
    return new Set(this.ids(END));
  }

  private promptText(text: string, grid: Grid): Omit<EncodedPrompt, 'images'> {
    const known = this.prompts.get(text);
    if (known) return known;
    const ids = this.ids(`<|im_start|>user\n<|vision_start|>${'<|image_pad|>'.repeat(25)}<|vision_end|>${text}<|im_end|><|im_start|>assistant\n`);
    const { ids: positions, next } = ropeIndex(this.config, ids, [grid]);
    const encoded = { ids, positions, nextPosition: next };
    this.prompts.set(text, encoded);
    return encoded;
  }

  private ids(text: string): number[] {
    return this.tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}

function patchFigure(picture: Picture, config: ModelConfig): PatchedImage {
  const { patchSize: patch, mergeSize: merge, channels, temporalPatchSize: frames } = config.vision;
  const side = picture.width / patch;
  const patches = new Float32Array(side * side * channels * frames * patch * patch);
  let at = 0;
  for (let by = 0; by < side; by += merge)
    for (let bx = 0; bx < side; bx += merge)
      for (let y = by; y < by + merge; y++)
        for (let x = bx; x < bx + merge; x++)
          for (let copy = 0; copy < channels * frames; copy++)
            for (let py = 0; py < patch; py++)
              for (let px = 0; px < patch; px++)
                patches[at++] = ((picture.data[(y * patch + py) * picture.width + x * patch + px] as number) / 255 - 0.5) / 0.5;
  return { grid: [1, side, side], patches };
}
