/**
 * Finds changes of the data since the last start. A question is identified by its content: an id from the data stays
 * with the content that first had it; other content under the same id gets a new id. Work in progress on a question
 * that is gone is dropped.
 */
import { contentDigest, lookOf } from '../data/content.ts';
import { listDataset, type Dataset, type Labels } from '../data/dataset.ts';
import type { OpenedData } from '../data/open.ts';
import type { Question } from '../protocol/messages.ts';
import type { DataRow, Store } from '../store/store.ts';
import { findPictures, settlePictures, type SettledPictures } from './settle-pictures.ts';

/** Key under which the store keeps the sequence number from which the present data gives the questions. */
const SINCE = 'data.since';
const DIGITS = 12;

export interface SettledData extends OpenedData {
  /** Sequence number of the first question that was chosen from the present data. */
  readonly since: number;
  /** In words; empty if the data is unchanged. */
  readonly changes: readonly string[];
}

interface Found {
  readonly question: Question;
  readonly digest: string;
}

interface Settled {
  /** In the order of the data. */
  readonly rows: readonly DataRow[];
  readonly counts: { readonly added: number; readonly changed: number; readonly gone: number };
  /** Rows to store. */
  readonly news: readonly DataRow[];
  readonly isGone: (question: Question) => boolean;
  /** Whether an earlier start stored the data's rows, so that there was something to compare with. */
  readonly compared: boolean;
}

/** @param version of the checkpoint; later steps are learnt again. */
export async function settleData(store: Store, data: OpenedData, version: number): Promise<SettledData> {
  const pictures = await findPictures(store, version, [...data.heldOut.pictures(), ...data.train.pictures()]);
  const [train, heldOut] = [await contentsOf(data.train), await contentsOf(data.heldOut)];
  return store.transaction(() => {
    const trained = settle(store, 'train', train);
    const measured = settle(store, 'held-out', heldOut);
    store.saveDataRows('train', trained.news);
    store.saveDataRows('held-out', measured.news);
    const renamed = { train: renamedSet(data.train, trained), heldOut: renamedSet(data.heldOut, measured) };
    movePictures(store, renamed.train);
    const shown = settlePictures(store, pictures, version);
    const dropped = store.withdraw((question) => trained.isGone(question) || shown.isGone(question));
    const lost = store.withdrawLearnt(version, shown.isGone);
    const differs = trained.compared && isDifferent(trained);
    if (differs) store.setMeta(SINCE, store.nextSequence);
    const changes = [...describe(trained, measured, { dropped, lost }), ...describePictures(data.train, shown)];
    if (changes.length > 0)
      store.event('data.changed', {
        train: trained.counts,
        heldOut: measured.counts,
        pictures: shown.counts,
        dropped,
        lost,
      });
    const since = (store.meta(SINCE) as number | undefined) ?? 0;
    const labels = renamedLabels(data.labels, measured);
    return { ...renamed, labels, trainLabels: renamedLabels(data.trainLabels, trained), since, changes };
  });
}

async function contentsOf(dataset: Dataset): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let i = 0; i < dataset.size; i++) {
    const question = dataset.question(i);
    found.push({ question, digest: await contentDigest(question.text, question.pictures) });
  }
  return found;
}

function settle(store: Store, part: 'train' | 'held-out', found: readonly Found[]): Settled {
  const known = store.dataRows(part);
  const stored = store.dataQuestions(part);
  const compared = known.length > 0;
  const idOf = naming(known, compared ? [] : stored, new Set([...known, ...stored].map(({ id }) => id)));
  const rows = found.map((each): DataRow => ({
    source: each.question.id,
    digest: each.digest,
    id: idOf(each),
    present: true,
  }));
  const present = new Set(rows.map(({ id }) => id));
  const [before, now] = [known.filter((row) => row.present), new Set(rows.map(({ source }) => source))];
  const was = new Map(before.map(({ source, id }) => [source, id]));
  const counts = {
    added: rows.filter(({ source }) => !was.has(source)).length,
    changed: rows.filter(({ source, id }) => was.has(source) && was.get(source) !== id).length,
    gone: before.filter(({ source }) => !now.has(source)).length,
  };
  const there = new Set(before.map(({ id }) => id));
  const news = [...rows.filter(({ id }) => !there.has(id)), ...before.filter(({ id }) => !present.has(id)).map(absent)];
  return { rows, counts, news, isGone: goneOf(known, rows, present), compared };
}

/** Assigns an id to each content. @param older questions stored by a Quorum that did not store the data's rows. */
function naming(known: readonly DataRow[], older: readonly Question[], taken: Set<string>): (found: Found) => string {
  const ids = new Map(known.map(({ source, digest, id }) => [JSON.stringify([source, digest]), id]));
  const alike = new Map<string, string[]>();
  for (const question of older) alike.set(lookOf(question), [...(alike.get(lookOf(question)) ?? []), question.id]);
  return ({ question, digest }) => {
    const same = ids.get(JSON.stringify([question.id, digest]));
    if (same !== undefined) return same;
    const olders = alike.get(lookOf(question)) ?? [];
    const adopted = olders.find((id) => id === question.id) ?? olders[0];
    if (adopted !== undefined) olders.splice(olders.indexOf(adopted), 1);
    const id = adopted ?? (taken.has(question.id) ? `${question.id}~${digest.slice(0, DIGITS)}` : question.id);
    taken.add(id);
    return id;
  };
}

/** Recognises questions that are no longer in the data; if no start stored the rows, by the name of their file. */
function goneOf(known: readonly DataRow[], rows: readonly DataRow[], present: ReadonlySet<string>): Settled['isGone'] {
  const ever = new Set(known.map(({ id }) => id));
  const files = new Set(known.length > 0 ? [] : rows.map(({ source }) => fileOf(source)));
  return ({ id, origin }) => !present.has(id) && (ever.has(id) || (origin === 'dataset' && files.has(fileOf(id))));
}

function fileOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

function absent(row: DataRow): DataRow {
  return { ...row, present: false };
}

function renamedSet(dataset: Dataset, { rows }: Settled): Dataset {
  const questions = rows.map(({ id }, i) => ({ ...dataset.question(i), id }));
  const sources = new Map(rows.map(({ id, source }) => [id, source]));
  const where = (id: string): string | undefined => dataset.where?.(sources.get(id) ?? id);
  return { ...listDataset(dataset.name, questions, dataset.pictures()), where };
}

function renamedLabels(labels: Labels, { rows }: Settled): Labels {
  const sources = new Map(rows.map(({ id, source }) => [id, source]));
  const at = <T>(id: string, get: (source: string) => T): T | undefined =>
    sources.has(id) ? get(sources.get(id)!) : undefined;
  return {
    label: (id) => at(id, (source) => labels.label(source)),
    alternatives: (id) => at(id, (source) => labels.alternatives?.(source)) ?? [],
    decimals: (id) => at(id, (source) => labels.decimals?.(source)),
    level: (id) => at(id, (source) => labels.level?.(source)),
  };
}

/** Updates the pictures of stored questions whose row or file has moved. */
function movePictures(store: Store, dataset: Dataset): void {
  const stored = new Map(store.dataQuestions('train').map((question) => [question.id, question]));
  for (let i = 0; i < dataset.size; i++) {
    const question = dataset.question(i);
    const before = stored.get(question.id);
    if (before !== undefined && JSON.stringify(before.pictures) !== JSON.stringify(question.pictures))
      store.moveQuestion(question);
  }
}

function isDifferent({ counts: { added, changed, gone } }: Settled): boolean {
  return added + changed + gone > 0;
}

function describe(
  train: Settled,
  heldOut: Settled,
  { dropped, lost }: { readonly dropped: number; readonly lost: number },
): string[] {
  const told: string[] = [];
  if (train.compared && isDifferent(train)) told.push(`to learn from ${words(train)}`);
  if (heldOut.compared && isDifferent(heldOut)) {
    told.push(`to measure on ${words(heldOut)} (accuracies before and after are not of the same questions)`);
  }
  if (dropped > 0) told.push(`${groups(dropped)} in hand dropped, because the question is gone or changed`);
  if (lost > 0)
    told.push(
      `${groups(lost)} left out of the steps that are learnt again, because a picture is gone: their versions get other weights`,
    );
  return told.length === 0 ? [] : [`the data changed since the last start: ${told.join('; ')}`];
}

/** Describes changes of a data set of pictures without questions. */
function describePictures({ size }: Dataset, { counts }: SettledPictures): string[] {
  if (size > 0 || counts === null || counts.added + counts.gone === 0) return [];
  return [`the data changed since the last start: pictures to ask about: ${counts.added} new, ${counts.gone} gone`];
}

function groups(count: number): string {
  return `${count} ${count === 1 ? 'group' : 'groups'}`;
}

function words({ counts: { added, changed, gone } }: Settled): string {
  return `${added} new, ${changed} changed, ${gone} gone`;
}
