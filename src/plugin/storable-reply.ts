/** A plug-in's reply as the store can hold it: ids and kinds with escapes, texts with U+FFFD, where there is a NUL or half a surrogate pair. */
import type { PictureRef, Question, Sample, Verdict } from '../protocol/messages.ts';
import type { LearnReply, PortName, SampleReply, Written } from '../protocol/ports.ts';
import { storableKey, storableText } from '../protocol/storable.ts';

/** Of replies that were found to be what their ports ask for. */
const STORABLE: { readonly [Name in PortName]?: (reply: never) => unknown } = {
  ask: (reply: readonly Question[]) => reply.map(questionOf),
  synthesize: (reply: readonly Written[]) => reply.map((each) => ({ ...each, question: questionOf(each.question) })),
  sample: (reply: SampleReply) => ({ ...reply, groups: reply.groups.map((group) => group.map(sampleOf)) }),
  learn: (reply: LearnReply) => ({ ...reply, metrics: withKeys(reply.metrics, storableKey) }),
  judge: (reply: Verdict) => ({
    ...reply,
    answers: reply.answers.map((answer) => (answer === null ? null : storableText(answer))),
    ...(reply.why !== undefined && { why: storableText(reply.why) }),
  }),
  filter: (reply: string | undefined) => (reply === undefined ? undefined : storableText(reply)),
};

export function storableReply(port: PortName, reply: unknown): unknown {
  const make = STORABLE[port] as ((reply: unknown) => unknown) | undefined;
  return make === undefined ? reply : make(reply);
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

/** No file has such a name: a file system is asked for U+FFFD in place of half a pair. */
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
