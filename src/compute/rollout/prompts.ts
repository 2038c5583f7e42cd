/**
 * Encodes questions as prompts in the thread that needs them: pictures are decoded or drawn there and never cross
 * threads.
 */
import { loadPicture } from '../../data/picture.ts';
import type { Question } from '../../protocol/messages.ts';
import { stage } from '../engine/native.ts';
import type { EncodedPrompt, PromptImage } from '../models/family.ts';
import { encodePrompt, renderPrompt, type PromptEncoder } from '../models/prompt.ts';

/** The parts with which a thread encodes questions. */
export interface QuestionEncoder extends PromptEncoder {
  /** Computes the rows of pictures, when the programs do not contain the vision tower. */
  readonly embed?: ((images: readonly PromptImage[]) => Promise<readonly PromptImage[]>) | undefined;
}

/** @throws InputError when a picture cannot be loaded, or prompt and response do not fit the context. */
export async function encodeQuestion(
  encoder: QuestionEncoder,
  question: Question,
  newTokens = 0,
): Promise<EncodedPrompt> {
  const pictures = await Promise.all(question.pictures.map((ref) => loadPicture(ref)));
  const prompt = encodePrompt(encoder, { text: promptText(question, encoder.template), pictures }, newTokens);
  return encoder.embed ? { ...prompt, images: await encoder.embed(prompt.images) } : prompt;
}

/** Renders the prompt of a question as text, before it is encoded. */
export function renderQuestion(encoder: PromptEncoder, question: Question): string {
  return renderPrompt(encoder, promptText(question, encoder.template), question.pictures.length);
}

/** Returns what the user turn says besides the pictures. */
export function promptText({ text, verbatim }: Question, template?: string): string {
  return template === undefined || verbatim ? text : template.replace('{question}', () => text);
}

export async function encodeQuestions(
  encoder: QuestionEncoder,
  questions: readonly Question[],
  newTokens = 0,
): Promise<EncodedPrompt[]> {
  const prompts: EncodedPrompt[] = [];
  for (const [at, question] of questions.entries()) {
    if (question.pictures.length > 0) stage('pictures of question', at + 1, questions.length);
    prompts.push(await encodeQuestion(encoder, question, newTokens));
  }
  return prompts;
}
