/** Prompts beside a question itself. The built-in models were pretrained on exactly these words. */

/** Direct: the picture alone. */
export const ASK_DIRECT = 'Ask a question about this picture.';

/** In context: like a seed question about the same picture. */
export function askLike(seed: string): string {
  return `Ask a new question like: ${seed}`;
}

/** Asks what a working of `question` begins with: what is read off the picture. Any text can be the question. */
export function readingPrompt(question: string): string {
  return `Read the picture, without an answer: ${question}`;
}
