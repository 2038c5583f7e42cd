import { describe, expect, it } from 'vitest';
import { packagePath } from '../../../src/lib/package-path.ts';
import { loadPromptEncoder } from '../../../src/compute/models/folder.ts';
import { encodeQuestion, renderQuestion } from '../../../src/compute/rollout/prompts.ts';
import type { Question } from '../../../src/protocol/messages.ts';

const question = (text: string): Question => ({
  id: 'q',
  text,
  pictures: [{ type: 'figure', key: 'plain/t/0/0' }],
  origin: 'dataset',
});

describe('encodeQuestion', () => {
  it("puts the template around the question's text, once and as it is, and leaves a verbatim prompt alone", async () => {
    const encoder = await loadPromptEncoder(packagePath('models/mini'));
    const template = 'What is the area? {question} What hour is it?';
    const ids = async (own: Question, around: string | undefined) =>
      (await encodeQuestion({ ...encoder, template: around }, own)).ids;
    const text = 'What is the perimeter?';
    const plain = await ids(question(text), undefined);
    const whole = await ids(question(`What is the area? ${text} What hour is it?`), undefined);
    expect(whole).not.toEqual(plain);
    expect(await ids(question(text), template)).toEqual(whole);
    expect(await ids(question(text), '{question}')).toEqual(plain);
    expect(await ids({ ...question(text), verbatim: true }, template)).toEqual(plain);
  });

  it('puts the system turn before the question', async () => {
    const encoder = { ...(await loadPromptEncoder(packagePath('models/mini'))), system: 'What hour is it?' };
    const own = question('What is the area?');
    expect(renderQuestion(encoder, own)).toBe(
      '<|im_start|>system\nWhat hour is it?<|im_end|><|im_start|>user\n' +
        '<|vision_start|><|image_pad|><|vision_end|>What is the area?<|im_end|><|im_start|>assistant\n',
    );
    const { ids } = await encodeQuestion(encoder, own);
    const plain = await encodeQuestion({ ...encoder, system: undefined }, own);
    expect(ids.length).toBeGreaterThan(plain.ids.length);
  });
});
