/** Prompts that ask the model for a question about a picture. `models/mini` was pretrained on exactly these words. */

/** Direct: the picture alone. */
export const ASK_DIRECT = 'Ask a question about this picture.';

/** In context: like a seed question about the same picture. */
export function askLike(seed: string): string {
  return `Ask a new question like: ${seed}`;
}
