/** A data file that changes between two starts: what is learnt is always what the samplers saw. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import type { Batch, Question } from '../../src/protocol/messages.ts';
import { Database } from '../../src/store/database.ts';
import { openStore } from '../../src/store/open-store.ts';
import { png } from '../support/png.ts';
import { temporaryFolder } from '../support/rig.ts';
import { toyAnswer } from '../support/toy-policy.ts';
import { launchToyHere } from '../support/toy-launch.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

interface Line {
  readonly id?: string;
  readonly problem: string;
  readonly images?: readonly string[];
}

interface Launch {
  readonly sampled: readonly Question[];
  readonly learnt: readonly Batch[];
  readonly notes: readonly string[];
}

const lines = (count: number, withIds: boolean, first = 0): Line[] =>
  Array.from({ length: count }, (_, i) => ({
    ...(withIds && { id: `q${first + i}` }),
    problem: `question ${first + i}`,
  }));

class Live {
  readonly run: ToyRun;
  readonly #file: string;

  constructor() {
    const folder = temporaryFolder();
    this.#file = join(folder, 'train.jsonl');
    this.run = toyRun({}, folder);
  }

  write(rows: readonly Line[]): void {
    const all = rows.map((row) => ({ images: [], answer: String(toyAnswer(row.problem)), ...row }));
    writeFileSync(this.#file, all.map((row) => JSON.stringify(row)).join('\n'));
  }

  writePictures(...names: readonly string[]): void {
    writeFileSync(this.#file, names.map((name) => JSON.stringify({ images: [name] })).join('\n'));
  }

  /** With work in hand at its end: three batches may be sampled ahead. */
  async launch(steps: number, plugins: ToyRun['config']['plugins'] = []): Promise<Launch> {
    const config = { ...this.run.config, plugins, loop: { ...this.run.config.loop, maxStaleness: 2, steps } };
    const { sampled, learnt } = await launchToyHere(config);
    const notes = this.store((store) => store.events(50, 'note')).map(({ data }) => String(data));
    return { sampled, learnt, notes };
  }

  store<T>(read: (store: ReturnType<typeof openStore>) => T): T {
    using store = openStore(join(this.run.config.runFolder, 'quorum.db'));
    return read(store);
  }
}

/** Every group, of every launch, names the text that was sampled, and no group is uncounted. */
function check(live: Live, launches: readonly Launch[]): void {
  const texts = new Map<string, string>();
  for (const { id, text } of launches.flatMap(({ sampled }) => sampled)) {
    expect(texts.get(id) ?? text).toBe(text);
    texts.set(id, text);
  }
  live.store((store) => {
    for (const { group } of store.judgedGroups(1_000)) {
      if (group.samples.length > 0) expect(group.question.text).toBe(texts.get(group.question.id));
    }
    const { sampled, judged, kept, dropped } = store.counts();
    expect(Object.values(dropped).reduce((sum, n) => sum + n, kept)).toBe(judged);
    expect(judged).toBeLessThanOrEqual(sampled);
  });
  for (const { learnt } of launches) {
    // The policy gives each text its own distribution: an answer to another text has another probability.
    for (const { group } of learnt.flatMap(({ groups }) => groups))
      expect(texts.get(group.question.id)).toBe(group.question.text);
  }
}

describe.each([true, false])('rows with ids: %s', (withIds) => {
  test('reversed, the file is the same data', async () => {
    const live = new Live();
    live.write(lines(40, withIds));
    const first = await live.launch(2);
    live.write(lines(40, withIds).toReversed());
    const second = await live.launch(4);
    check(live, [first, second]);
    expect(second.notes.filter((note) => note.includes('data changed'))).toEqual([]);
    expect(live.store((store) => store.counts().dropped.gone)).toBeUndefined();
  });

  test('a row on top, and a file that grows, lose nothing', async () => {
    const live = new Live();
    live.write(lines(40, withIds));
    const first = await live.launch(2);
    live.write([...lines(1, withIds, 100), ...lines(40, withIds)]);
    const second = await live.launch(4);
    live.write([...lines(1, withIds, 100), ...lines(60, withIds)]);
    const third = await live.launch(24);
    check(live, [first, second, third]);
    const said = third.notes.filter((note) => note.includes('data changed')).toSorted();
    expect(said).toEqual([
      'the data changed since the last start: to learn from 1 new, 0 changed, 0 gone',
      'the data changed since the last start: to learn from 20 new, 0 changed, 0 gone',
    ]);
    const asked = new Set(third.sampled.map(({ text }) => text));
    expect(
      Array.from({ length: 20 }, (_, i) => `question ${40 + i}`).filter((text) => asked.has(text)).length,
    ).toBeGreaterThan(10);
    expect(live.store((store) => store.counts().dropped.gone)).toBeUndefined();
  });
});

test('texts corrected under the same ids are new questions; groups in hand of the old ones are dropped and counted', async () => {
  const live = new Live();
  live.write(lines(40, true));
  const first = await live.launch(2);
  const corrected = lines(40, true).map((row) => ({ ...row, problem: `${row.problem}, corrected` }));
  live.write(corrected);
  const second = await live.launch(4);
  const third = await live.launch(6);
  check(live, [first, second, third]);
  for (const { group } of [...second.learnt, ...third.learnt].flatMap(({ groups }) => groups))
    expect(group.question.text).toMatch(/corrected$/);
  const gone = live.store((store) => store.counts().dropped.gone ?? 0);
  expect(gone).toBeGreaterThan(0);
  expect(second.notes.filter((note) => note.includes('data changed'))).toEqual([
    `the data changed since the last start: to learn from 0 new, 40 changed, 0 gone; ${gone} groups in hand dropped, because the question is gone or changed`,
  ]);
  expect(live.store((store) => store.events(9, 'data.changed'))).toHaveLength(1);
  live.write(lines(40, true)); // what was there before has its old ids again
  const fourth = await live.launch(8);
  check(live, [first, second, third, fourth]);
  expect(fourth.sampled.some(({ id }) => first.sampled.some((question) => question.id === id))).toBe(true);
});

test('a picture with another content under the same path is another question', async () => {
  const live = new Live();
  const picture = join(live.run.folder, 'a.png');
  const rows = lines(40, true).map((row) => ({ ...row, images: ['a.png'] }));
  writeFileSync(picture, await png(8, 8, '#336699'));
  live.write(rows);
  const first = await live.launch(2);
  writeFileSync(picture, await png(8, 8, '#996633'));
  const second = await live.launch(4);
  check(live, [first, second]);
  expect(second.notes.some((note) => note.includes('0 new, 40 changed, 0 gone'))).toBe(true);
});

test('what a plug-in asks about a picture of the data follows the picture, and is dropped where its content is gone', async () => {
  const live = new Live();
  const plugin = definePlugin({
    name: 'asks',
    apiVersion: API_VERSION,
    ports: {
      ask: ({ questions }) => {
        const pictures = questions.pictures();
        const at = (n: number): Question => ({
          id: `mine-${n}`,
          text: `question ${n}`,
          pictures: [pictures[n % pictures.length]!],
          origin: 'plugin',
        });
        return async ({ from, count }) => Array.from({ length: count }, (_, i) => at(from + i));
      },
    },
  });
  const picture = (name: string) => join(live.run.folder, name);
  const rowsAbout = (...names: string[]) =>
    lines(40, true).map((row, i) => ({ ...row, images: [names[i % names.length]!] }));
  writeFileSync(picture('a.png'), await png(8, 8, '#336699'));
  writeFileSync(picture('b.png'), await png(8, 8, '#669933'));
  live.write(rowsAbout('a.png', 'b.png'));
  const first = await live.launch(2, [plugin]);
  writeFileSync(picture('a.png'), await png(8, 8, '#996633'));
  renameSync(picture('b.png'), picture('c.png'));
  live.write(rowsAbout('a.png', 'c.png'));
  const second = await live.launch(4, [plugin]);
  check(live, [first, second]);
  const before = new Set(first.sampled.map(({ id }) => id));
  const kept = second.learnt.flatMap(({ groups }) => groups).filter(({ group }) => before.has(group.question.id));
  expect(kept.length).toBeGreaterThan(0);
  for (const { group } of kept) expect(group.question.pictures).toEqual([{ type: 'file', path: picture('c.png') }]);
  expect(live.store((store) => store.counts().dropped.gone ?? 0)).toBeGreaterThan(0);
});

test('of pictures alone, which a plug-in asks about, the daemon says how many are new and gone', async () => {
  const live = new Live();
  const asks = definePlugin({
    name: 'asks',
    apiVersion: API_VERSION,
    ports: {
      ask:
        () =>
        async ({ from, count }) =>
          Array.from({ length: count }, (_, i) => ({
            id: `mine-${from + i}`,
            text: `question ${from + i}`,
            pictures: [],
            origin: 'plugin' as const,
          })),
    },
  });
  for (const [name, colour] of Object.entries({ a: '#336699', b: '#669933', c: '#996633' })) {
    writeFileSync(join(live.run.folder, `${name}.png`), await png(8, 8, colour));
  }
  live.writePictures('a.png', 'b.png');
  await live.launch(1, [asks]);
  live.writePictures('b.png', 'c.png');
  const { notes } = await live.launch(2, [asks]);
  expect(notes.filter((note) => note.includes('data changed'))).toEqual([
    'the data changed since the last start: pictures to ask about: 1 new, 1 gone',
  ]);
});

test.each([
  ['some', ['a.png']],
  ['all', ['a.png', 'b.png']],
])(
  'steps that are learnt again after a kill leave out what answered pictures that are gone: %s of them',
  async (_, replaced) => {
    const live = new Live();
    const picture = (name: string) => join(live.run.folder, name);
    writeFileSync(picture('a.png'), await png(8, 8, '#336699'));
    writeFileSync(picture('b.png'), await png(8, 8, '#669933'));
    live.write(lines(40, true).map((row, i) => ({ ...row, images: [i % 2 === 0 ? 'a.png' : 'b.png'] })));
    const first = await live.launch(6);
    // as if it had been killed before it saved
    rmSync(join(live.run.config.runFolder, 'checkpoints', 'v000006'), { recursive: true });
    for (const name of replaced) writeFileSync(picture(name), await png(8, 8, '#996633'));
    const second = await live.launch(8);
    check(live, [first, second]);
    const before = new Set(first.sampled.map(({ id }) => id));
    const again = second.learnt.flatMap(({ groups }) => groups).filter(({ group }) => before.has(group.question.id));
    expect(again.length > 0).toBe(replaced.length === 1);
    for (const { group } of again) expect(group.question.pictures).toEqual([{ type: 'file', path: picture('b.png') }]);
    expect(second.notes.join()).toMatch(
      /\d+ groups left out of the steps that are learnt again, because a picture is gone/,
    );
    live.store((store) => {
      const { learnt } = store.counts();
      expect(learnt).toBe(store.batchesSince(0).reduce((sum, { groups }) => sum + groups.length, 0));
      expect(store.latestVersion()?.n).toBe(8);
    });
  },
);

test('a run of an older Quorum, with lines as ids and no stored rows, continues with its questions', async () => {
  const live = new Live();
  live.write(lines(40, false).map((row, i) => ({ ...row, id: String(i + 1) })));
  const first = await live.launch(2);
  const database = new Database(join(live.run.config.runFolder, 'quorum.db'));
  database.script('DELETE FROM data_rows');
  database.close();
  const [changed, ...others] = lines(40, false);
  live.write([...others.toReversed(), { problem: `${changed!.problem}, corrected` }]);
  const second = await live.launch(4);
  check(live, [first, second]);
  expect(live.store((store) => store.counts().dropped.gone ?? 0)).toBeLessThanOrEqual(1);
  const again = first.sampled.filter(({ text }) => text !== changed!.problem);
  const ids = new Map(live.store((store) => store.dataRows('train')).map(({ id, source }) => [id, source]));
  for (const { id } of again) expect(ids.get(id)).not.toBe(id); // the id of before, for the content of now
});
