/**
 * Work in hand about pictures of the data that no row of the data asks: questions that a plug-in made, or that the model wrote. Where such a
 * picture lies elsewhere now, the question follows it; where its content is gone, so is the question.
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

/** Reads each file once; later calls for the same references read none. */
export async function findPictures(refs: readonly PictureRef[]): Promise<FoundPictures> {
  const found: Found[] = [];
  for (const ref of refs) found.push({ ref, digest: await pictureDigest(ref) });
  return {
    byKey: new Map(found.map((each) => [pictureKey(each.ref), each])),
    byDigest: new Map(found.map(({ ref, digest }) => [digest, ref])),
  };
}

/** Moves and stores what must be; to be called in a transaction. @returns which questions ask about a picture that is gone. */
export function settlePictures(store: Store, found: FoundPictures, version: number): (question: Question) => boolean {
  const before = store.dataRows('picture');
  const was = new Map(before.filter(({ present }) => present).map(({ source, digest }) => [source, digest]));
  store.saveDataRows('picture', changedRows(before, found));
  const gone = new Set<string>();
  for (const question of ofOthers(store, version)) {
    const pictures = question.pictures.map((ref) => nowOf(ref, was, found));
    if (!allThere(pictures)) gone.add(question.id);
    else if (JSON.stringify(pictures) !== JSON.stringify(question.pictures)) store.moveQuestion({ ...question, pictures });
  }
  store.changePool({ remove: store.pool().flatMap(({ question: { id } }) => (gone.has(id) ? [id] : [])) });
  return ({ id }) => gone.has(id);
}

function changedRows(before: readonly DataRow[], { byKey }: FoundPictures): DataRow[] {
  const there = new Set(before.filter(({ present }) => present).map(({ source, digest }) => JSON.stringify([source, digest])));
  const fresh = [...byKey].filter(([source, { digest }]) => !there.has(JSON.stringify([source, digest])));
  const absent = before.filter(({ present, source, digest }) => present && byKey.get(source)?.digest !== digest);
  return [
    ...fresh.map(([source, { digest }]) => ({ source, digest, id: source, present: true })),
    ...absent.map((row) => ({ ...row, present: false })),
  ];
}

/** Each question in hand, in the pool or to be learnt again after `version` that is not the data's own. */
function ofOthers(store: Store, version: number): Iterable<Question> {
  const { unsampled, unjudged, unbatched, unlearnt } = store.unfinished();
  const batches = [...unlearnt, ...store.batchesSince(version)];
  const questions = [
    ...[...unsampled, ...unjudged, ...store.pool()].map(({ question }) => question),
    ...[...unbatched, ...batches.flatMap(({ groups }) => groups)].map(({ group }) => group.question),
  ];
  return new Map(questions.filter(({ origin }) => origin !== 'dataset').map((question) => [question.id, question])).values();
}

/** Where the picture is now; undefined where its content is gone. A picture that was never the data's stays as it is. */
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
