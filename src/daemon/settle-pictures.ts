/**
 * Finds the pictures of questions that are in no row of the data: questions from a plug-in, from the model, or of steps
 * that are learnt again. If such a picture has moved, the question follows it; if its content is gone, the question is
 * gone too.
 */
import { pictureDigest } from '../data/content.ts';
import { pictureKey } from '../data/picture.ts';
import type { PictureRef, Question } from '../protocol/messages.ts';
import type { DataRow, Store } from '../store/store.ts';

interface Found {
  readonly ref: PictureRef;
  readonly digest: string;
}

export interface FoundPictures {
  readonly byKey: ReadonlyMap<string, Found>;
  readonly byDigest: ReadonlyMap<string, PictureRef>;
}

/** Digests the data's pictures, and those of steps after `version` (to be learnt again) that are still in place. */
export async function findPictures(store: Store, version: number, refs: readonly PictureRef[]): Promise<FoundPictures> {
  const learnt = store
    .batchesSince(version)
    .flatMap(({ groups }) => groups.flatMap(({ group }) => group.question.pictures));
  const found: Found[] = [];
  for (const ref of [...learnt.map(original).filter(({ type }) => type === 'file'), ...refs]) {
    const digest = await pictureDigest(ref).catch(() => undefined);
    if (digest !== undefined) found.push({ ref, digest });
  }
  return {
    byKey: new Map(found.map((each) => [pictureKey(each.ref), each])),
    byDigest: new Map(found.map(({ ref, digest }) => [digest, ref])),
  };
}

export interface SettledPictures {
  /** Changes since the last start; null if no start stored the pictures. */
  readonly counts: { readonly added: number; readonly gone: number } | null;
  /** Whether the question asks about a picture that is gone. */
  readonly isGone: (question: Question) => boolean;
}

/** Moves questions to their pictures' new places and stores the changes; call it in a transaction. */
export function settlePictures(store: Store, found: FoundPictures, version: number): SettledPictures {
  const before = store.dataRows('picture');
  const was = new Map(before.filter(({ present }) => present).map(({ source, digest }) => [source, digest]));
  const changed = changedRows(before, found);
  store.saveDataRows('picture', changed);
  const gone = new Set<string>();
  for (const question of questionsOf(store, version)) {
    const pictures = question.pictures.map((ref) => nowOf(ref, was, found));
    if (!allThere(pictures)) gone.add(question.id);
    else if (JSON.stringify(pictures) !== JSON.stringify(question.pictures))
      store.moveQuestion({ ...question, pictures });
  }
  store.changePool({ remove: store.pool().flatMap(({ question: { id } }) => (gone.has(id) ? [id] : [])) });
  const added = changed.filter(({ present }) => present).length;
  const counts = before.length > 0 ? { added, gone: changed.length - added } : null;
  return { counts, isGone: ({ id }) => gone.has(id) };
}

function changedRows(before: readonly DataRow[], { byKey }: FoundPictures): DataRow[] {
  const there = new Set(
    before.filter(({ present }) => present).map(({ source, digest }) => JSON.stringify([source, digest])),
  );
  const fresh = [...byKey].filter(([source, { digest }]) => !there.has(JSON.stringify([source, digest])));
  const absent = before.filter(({ present, source, digest }) => present && byKey.get(source)?.digest !== digest);
  return [
    ...fresh.map(([source, { digest }]) => ({ source, digest, id: source, present: true })),
    ...absent.map((row) => ({ ...row, present: false })),
  ];
}

function original(ref: PictureRef): PictureRef {
  return 'of' in ref ? original(ref.of) : ref;
}

/** All questions in progress, in the pool, or to be learnt again after `version`. */
function questionsOf(store: Store, version: number): Iterable<Question> {
  const { unsampled, unjudged, unbatched, unlearnt } = store.unfinished();
  const batches = [...unlearnt, ...store.batchesSince(version)];
  const questions = [
    ...[...unsampled, ...unjudged, ...store.pool()].map(({ question }) => question),
    ...[...unbatched, ...batches.flatMap(({ groups }) => groups)].map(({ group }) => group.question),
  ];
  return new Map(questions.map((question) => [question.id, question])).values();
}

/**
 * The picture's present place; undefined if its content is gone. A picture from outside the data stays as it is.
 */
function nowOf(ref: PictureRef, was: ReadonlyMap<string, string>, found: FoundPictures): PictureRef | undefined {
  if ('of' in ref) {
    const of = nowOf(ref.of, was, found);
    return of && { ...ref, of };
  }
  const digest = was.get(pictureKey(ref));
  if (digest === undefined) return ref;
  const here = found.byKey.get(pictureKey(ref));
  return here?.digest === digest ? here.ref : found.byDigest.get(digest);
}

function allThere(pictures: readonly (PictureRef | undefined)[]): pictures is readonly PictureRef[] {
  return !pictures.includes(undefined);
}
