import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPort, type Ask, type PluginDefinition, type Question } from '../../src/index.ts';
import folderWatcher from '../../src/plugins/folder-watcher.ts';
import mixture from '../../src/plugins/mixture.ts';
import { HandedOut } from '../../src/plugins/shared/handed-out.ts';
import { pluginContext, idle } from '../support/plugin-context.ts';
import { png } from '../support/png.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** The data set: question `n` is `data n`. */
const dataSet: Ask = ({ from, count }) =>
  Promise.resolve(Array.from({ length: count }, (_, i) => numbered('data', from + i)));

function numbered(name: string, n: number): Question {
  return { id: `${name} ${n}`, text: `${name} ${n}`, pictures: [], origin: 'plugin' };
}

const texts = (questions: readonly Question[]): string[] => questions.map(({ text }) => text);

describe('handed out', () => {
  test('a number that is asked for again gets the same question, also after a restart and a torn line', async () => {
    const folder = temporaryFolder();
    let drawn = 0;
    const fresh: Ask = ({ count }) => Promise.resolve(Array.from({ length: count }, () => numbered('fresh', drawn++)));
    const open = (): Ask => new HandedOut(folder).remembering(fresh);
    expect(texts(await open()({ from: 5, count: 2 }, idle))).toEqual(['fresh 0', 'fresh 1']);
    writeFileSync(
      join(folder, 'handed-out.jsonl'),
      `${readFileSync(join(folder, 'handed-out.jsonl'), 'utf8')}{"sequence": 7, "ques`,
    );
    const ask = open();
    expect(texts(await ask({ from: 5, count: 9 }, idle))).toEqual(['fresh 0', 'fresh 1']);
    expect(texts(await ask({ from: 4, count: 9 }, idle))).toEqual(['fresh 2']);
    expect(texts(await ask({ from: 7, count: 1 }, idle))).toEqual(['fresh 3']);
    expect(texts(await open()({ from: 4, count: 9 }, idle))).toEqual(['fresh 2', 'fresh 0', 'fresh 1', 'fresh 3']);
    expect(new HandedOut(folder).has('fresh 3')).toBe(true);
  });

  test('the file stays bounded; what was asked long ago is still known to have been', async () => {
    const folder = temporaryFolder();
    const ask = new HandedOut(folder).remembering(({ count }) =>
      Promise.resolve(Array.from({ length: count }, () => numbered('the same', 0))),
    );
    for (let from = 0; from < 50_000; from += 1000) await ask({ from, count: 1000 }, idle);
    expect(readFileSync(join(folder, 'handed-out.jsonl'), 'utf8').split('\n').length).toBeLessThan(25_000);
    expect(new HandedOut(folder).has('the same 0')).toBe(true);
  });
});

describe('folder watcher', () => {
  async function watching(options: object = {}, folder = temporaryFolder()) {
    const context = pluginContext<'ask'>({ folder, next: dataSet });
    const ask = await openPort(folderWatcher, 'ask', context, { settleSeconds: 0, ...options });
    const drop = (name: string, data: string | Uint8Array) => writeFileSync(join(folder, 'pictures', name), data);
    let from = 0;
    const next = async (count: number): Promise<readonly Question[]> => {
      const questions = await ask({ from, count }, idle);
      from += questions.length;
      return questions;
    };
    return { context, ask, drop, next, folder };
  }

  test('a picture that is dropped while it runs is asked about once, then the data set continues', async () => {
    const { drop, next, folder } = await watching({ questions: ['What is it?', 'How many?'] });
    expect(texts(await next(2))).toEqual(['data 0', 'data 1']);
    drop('cat.png', await png());
    const asked = await next(2);
    expect(asked).toMatchObject([
      { text: 'What is it?', pictures: [{ type: 'file', path: join(folder, 'pictures/cat.png') }], origin: 'plugin' },
      { text: 'How many?' },
    ]);
    expect(asked[0]!.id).not.toBe(asked[1]!.id);
    expect(texts(await next(1))).toEqual(['data 4']);
  });

  test('questions next to the picture, which may come after it', async () => {
    const { drop, next, context } = await watching();
    drop('cat.png', await png());
    expect(texts(await next(1))).toEqual(['data 0']);
    drop('cat.txt', 'Is it grey?\n\n  Is it big? \n');
    drop('cat.jsonl', '{"problem": "Is it old?", "answer": "no"}\nnonsense\n');
    expect(texts(await next(9))).toEqual(['Is it grey?', 'Is it big?', 'Is it old?']);
    expect(context.told).toEqual([expect.stringContaining('cat.jsonl: a line is left out')]);
  });

  test('a picture is not taken while it is being copied; an unreadable picture is reported and left out', async () => {
    const { drop, next, folder, context } = await watching({ questions: ['What?'], settleSeconds: 60 });
    drop('cat.png', await png());
    drop('bad.png', 'no picture');
    expect(texts(await next(1))).toEqual(['data 0']);
    for (const name of ['cat.png', 'bad.png']) utimesSync(join(folder, 'pictures', name), 0, 0);
    expect(texts(await next(1))).toEqual(['What?']);
    expect(context.told).toEqual([expect.stringContaining('bad.png is left out')]);
  });

  test('after a restart: the same for the same number, and nothing twice', async () => {
    const before = await watching({ questions: ['What?', 'Why?'] });
    before.drop('cat.png', await png());
    const first = await before.next(1);
    const after = await watching({ questions: ['What?', 'Why?'] }, before.folder);
    expect(await after.next(1)).toEqual(first);
    expect(texts(await after.next(5))).toEqual(['Why?']);
    expect(texts(await after.next(1))).toEqual(['data 2']);
  });

  test('repeat: the pictures are asked about again, the same for the same number', async () => {
    const { drop, next, ask } = await watching({ questions: ['What?', 'Why?'], repeat: true });
    expect(texts(await next(1))).toEqual(['data 0']);
    drop('cat.png', await png());
    expect(texts(await next(2))).toEqual(['What?', 'Why?']);
    const again = await ask({ from: 3, count: 20 }, idle);
    expect(new Set(texts(again))).toEqual(new Set(['What?', 'Why?']));
    expect(await ask({ from: 3, count: 20 }, idle)).toEqual(again);
  });

  test('bad options', async () => {
    await expect(watching({ folder: '/nowhere/at/all' })).rejects.toThrow(
      'options.folder: there is no folder /nowhere/at/all',
    );
    await expect(watching({ questions: [''] })).rejects.toThrow('options.questions.0');
    await expect(watching({ settleSeconds: -1 })).rejects.toThrow('options.settleSeconds');
  });

  test('a folder that goes away is an error, not silence', async () => {
    const { next, folder } = await watching();
    rmSync(join(folder, 'pictures'), { recursive: true });
    await expect(next(1)).rejects.toThrow('ENOENT');
  });
});

describe('mixture', () => {
  const source = (name: string): PluginDefinition<undefined> => ({
    name,
    apiVersion: 1,
    ports: { ask: () => (request) => Promise.resolve([numbered(name, request.from)]) },
  });
  const sources = [
    { use: source('a'), weight: 3 },
    { use: 'data set', weight: 1 },
  ];
  const open = (seed: number, options: object = { sources }) =>
    openPort(mixture, 'ask', pluginContext<'ask'>({ seed, next: dataSet }), options);

  test('each source in proportion to its weight, counting its own questions', async () => {
    const questions = texts(await (await open(1))({ from: 0, count: 4000 }, idle));
    const ofA = questions.filter((text) => text.startsWith('a'));
    // Three in four, within four standard deviations of the binomial.
    expect(Math.abs(ofA.length - 3000)).toBeLessThan(4 * Math.sqrt(4000 * 0.75 * 0.25));
    expect(ofA).toEqual(ofA.map((_, i) => `a ${i}`));
    const ofData = questions.filter((text) => text.startsWith('data'));
    expect(ofData).toEqual(ofData.map((_, i) => `data ${i}`));
  });

  test('the same request gives the same questions, in any order and after a restart; another seed mixes anew', async () => {
    const all = texts(await (await open(1))({ from: 0, count: 300 }, idle));
    const ask = await open(1);
    expect(texts(await ask({ from: 200, count: 100 }, idle))).toEqual(all.slice(200));
    expect(texts(await ask({ from: 50, count: 100 }, idle))).toEqual(all.slice(50, 150));
    expect(texts(await (await open(2))({ from: 0, count: 300 }, idle))).not.toEqual(all);
  });

  test('a built-in source by its name, with options and a folder of its own', async () => {
    const context = pluginContext<'ask'>({ next: dataSet });
    const options = { sources: [{ use: 'folder-watcher', options: { questions: ['What?'], settleSeconds: 0 } }] };
    const ask = await openPort(mixture, 'ask', context, options);
    writeFileSync(join(context.folder, 'source-0/pictures/cat.png'), await png());
    expect(texts(await ask({ from: 0, count: 2 }, idle))).toEqual(['What?', 'data 1']);
  });

  test.each([
    [{ sources: [] }, 'options.sources'],
    [{ sources: [{ use: 'the web' }] }, "'data set', 'folder-watcher'"],
    [{ sources: [{ use: 'data set', weight: 0 }] }, 'options.sources.0.weight'],
    [{ sources: [{ use: 'folder-watcher', options: { folder: '' } }] }, 'plug-in folder-watcher: options.folder'],
  ])('bad options %#', async (options, words) => {
    await expect(open(0, options)).rejects.toThrow(words);
  });
});
