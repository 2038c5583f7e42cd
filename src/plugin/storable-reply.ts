/**
 * A plug-in's reply as the store can hold it: ids and kinds with escapes, texts with U+FFFD, where there is a NUL or
 * half a surrogate pair.
 */
import type { CheckFinding, PictureRef, Question, Sample, Verdict } from '../protocol/messages.ts';
import type { CheckReply, LearnReply, SampleReply, Written } from '../protocol/ports.ts';
import { storableKey, storableText } from '../protocol/storable.ts';

export const storableQuestions = (reply: readonly Question[]): unknown => reply.map(questionOf);

export const storableWritten = (reply: readonly Written[]): unknown =>
  reply.map((each) => ({ ...each, question: questionOf(each.question) }));

export const storableResponses = (reply: SampleReply): unknown => ({
  ...reply,
  groups: reply.groups.map((group) => group.map(sampleOf)),
});

export const storableStep = (reply: LearnReply): unknown => ({
  ...reply,
  metrics: withKeys(reply.metrics, storableKey),
});

export const storableVerdict = (reply: Verdict): unknown => ({
  ...reply,
  answers: reply.answers.map((answer) => (answer === null ? null : storableText(answer))),
  ...(reply.why !== undefined && { why: storableText(reply.why) }),
});

export const storableFindings = (reply: CheckReply): unknown =>
  'questions' in reply ? reply : reply.map((finding) => (finding.vote === true ? finding : wordsOf(finding)));

export const storableWhy = (reply: string | undefined): unknown =>
  reply === undefined ? undefined : storableText(reply);

function wordsOf(finding: Exclude<CheckFinding, { readonly vote: true }>): CheckFinding {
  const why = storableText(finding.why);
  if (finding.vote === null || finding.step === undefined) return { ...finding, why };
  return { ...finding, why, step: storableText(finding.step) };
}

function questionOf(question: Question): Question {
  const { id, text, kind, parentId, pictures } = question;
  return {
    ...question,
    id: storableKey(id),
    text: storableText(text),
    pictures: pictures.map(pictureOf),
    ...(kind !== undefined && { kind: storableKey(kind) }),
    ...(parentId !== undefined && { parentId: storableKey(parentId) }),
  };
}

/** No file has such a name: the file system gets U+FFFD in place of half a pair. */
function pictureOf(ref: PictureRef): PictureRef {
  if ('of' in ref) return { ...ref, of: pictureOf(ref.of) };
  if (ref.type === 'figure') return { ...ref, key: storableText(ref.key) };
  return { ...ref, path: storableText(ref.path) };
}

function sampleOf(sample: Sample): Sample {
  return { ...sample, text: storableText(sample.text) };
}

function withKeys(record: object, key: (name: string) => string): object {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [key(name), value as unknown]));
}
