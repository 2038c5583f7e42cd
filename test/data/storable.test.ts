/**
 * Any string that JSON can hold, as an id, a kind, a text, an answer or the name of a file, goes through a run and its
 * store and comes back.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { openPaths } from '../../src/data/open.ts';
import { guarded } from '../../src/plugin/guarded.ts';
import type { Services } from '../../src/plugin/load.ts';
import type { Question, RolloutGroup } from '../../src/protocol/messages.ts';
import { storableKey, storableText } from '../../src/protocol/storable.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

/** Code units of every kind: also halves of pairs, NUL and what JSON escapes. */
const anyString = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\0',
        '\ud800',
        '\udfff',
        '\ud83d\ude00',
        '\\u0000',
        'a',
        '"',
        '\n',
        '\u2028',
        '\ufeff',
        '\uffff',
      ),
      { maxLength: 8 },
    )
    .map((units) => units.join('')),
  fc.constantFrom('', '__proto__', 'constructor', '\0', '\ud800', '\\ud800', '../x', '.'),
);

const row = fc.record({
  id: anyString,
  kind: anyString,
  problem: anyString.map((text) => `${text}?`),
  answer: anyString,
});

const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 6, selector: ({ id }) => storableKey(id) });

test('a storable text stays unchanged, and different keys stay different', () => {
  fc.assert(
    fc.property(anyString, anyString, (a, b) => {
      for (const make of [storableKey, storableText]) expect(make(make(a))).toBe(make(a));
      if (!/[\0\p{Surrogate}]/u.test(a)) expect([storableKey(a), storableText(a)]).toEqual([a, a]);
      if (a !== b && !/\\u/.test(a + b)) expect(storableKey(a)).not.toBe(storableKey(b));
    }),
  );
});

test('rows with any strings go through the store and come back', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'rows.jsonl');
  await fc.assert(
    fc.asyncProperty(rows, fc.nat(), async (given, n) => {
      writeFileSync(file, given.map((each) => JSON.stringify({ images: [], ...each })).join('\n'));
      const { dataset, labels } = await openPaths([file]);
      const questions = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
      using store = openStore(join(folder, `${n}-${Math.random()}.db`));
      store.admit(questions.map((question, sequence) => ({ sequence, question })));
      const back = store.unfinished().unsampled.map(({ question }) => question);
      expect(back).toEqual(questions);
      const groups = questions.map((question, sequence): RolloutGroup => ({
        id: `g${sequence}`,
        sequence,
        question,
        policyVersion: 0,
        samples: [],
      }));
      store.saveGroups(groups);
      expect(store.unfinished().unjudged).toEqual(groups);
      for (const question of questions) expect(store.question(question.id)).toEqual(question);
      const answers = questions.map((question, i) => ({
        question,
        truth: labels.label(question.id) ?? '',
        answer: given[i]!.answer,
        right: true,
      }));
      store.saveAnswers(0, answers);
      const stored = new Map(store.answers(0)!.map((each) => [each.question.id, each]));
      for (const each of answers)
        expect(stored.get(each.question.id)).toEqual({ ...each, answer: storableText(each.answer) });
    }),
    { numRuns: 60 },
  );
});

test('a run whose ids, kinds and texts hold NUL and halves of pairs learns, is started again, and has nothing wrong', async () => {
  const toy = toyRun();
  const { data } = toy.config;
  if (!('trainFile' in data)) throw new Error('the toy reads files');
  const odd = ['\0', 'a\0b', '\ud800', '\udfff\ud83d\ude00', '__proto__', ''];
  const lines = odd.map((id, i) =>
    JSON.stringify({ id, kind: id, problem: `question ${i} ${id}`, images: [], answer: id }),
  );
  writeFileSync(String(data.trainFile), lines.join('\n'));
  for (const steps of [2, 4]) {
    const daemon = await startDaemon(
      { ...toy.config, loop: { ...toy.config.loop, steps } },
      { createPolicy: (_, { checkpoint }) => new ToyPolicy({ learningRate: 0.01, ...(checkpoint && { checkpoint }) }) },
    );
    expect(await daemon.closed()).toMatchObject({ end: 'steps', steps });
  }
  expect((await checkRun(toy.config.runFolder)).findings).toEqual([]);
});

test('what an older Quorum admitted under such an id can be sampled', () => {
  using store = openStore(join(temporaryFolder(), 'quorum.db'));
  store.admit([{ sequence: 0, question: { id: 'a\0b', text: 'What?', pictures: [], origin: 'dataset' } }]);
  const [{ question } = { question: undefined }] = store.unfinished().unsampled;
  store.saveGroups([{ id: 'g0', sequence: 0, question: question!, policyVersion: 0, samples: [] }]);
  expect(store.unfinished().unjudged).toHaveLength(1);
});

test('a file whose name holds anything is read, and its rows have storable ids', async () => {
  const folder = temporaryFolder();
  for (const name of ['a\ufffdb', '\u2028', 'ä😀', "it's"]) {
    writeFileSync(join(folder, 'x.jsonl'), JSON.stringify({ problem: 'What?', images: [] }));
    renameSync(join(folder, 'x.jsonl'), join(folder, `${name}.jsonl`));
    const { dataset } = await openPaths([join(folder, `${name}.jsonl`)]);
    expect(dataset.question(0).id).toContain(`${name}/`);
  }
  // A half of a pair in the name that the configuration gives is asked of the file system as U+FFFD.
  const { dataset } = await openPaths([join(folder, 'a\ud800b.jsonl')]);
  expect(dataset.question(0).id).toContain('a\\ud800b/');
});

test('a row whose id is written as the escape of another one is refused by file and row', async () => {
  const file = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(file, ['\0', '\\u0000'].map((id) => JSON.stringify({ id, problem: 'What?', images: [] })).join('\n'));
  await expect(openPaths([file])).rejects.toThrow(/rows\.jsonl:2: id .* appears twice/);
});

test('a picture whose name no file can have is refused by file and row', async () => {
  const file = join(temporaryFolder(), 'rows.jsonl');
  for (const name of ['a\0.png', '\ud800.png']) {
    writeFileSync(file, JSON.stringify({ problem: 'What?', images: [name] }));
    await expect(openPaths([file])).rejects.toThrow(/rows\.jsonl:1: .*does not exist/);
  }
});

test('questions and texts of plug-ins are made storable', async () => {
  const question: Question = {
    id: 'q\0',
    text: 'What\ud800?',
    pictures: [{ type: 'coarse', of: { type: 'file', path: '/a\ud800.png' } }],
    origin: 'plugin',
    kind: '\udfff',
  };
  const open = () => Promise.resolve(() => Promise.resolve([question]));
  const ask = await guarded('odd', 'ask', open)({} as Services<'ask'>);
  expect(await ask({ from: 0, count: 1 }, new AbortController().signal)).toEqual([
    {
      id: 'q\\u0000',
      text: 'What\ufffd?',
      pictures: [{ type: 'coarse', of: { type: 'file', path: '/a\ufffd.png' } }],
      origin: 'plugin',
      kind: '\\udfff',
    },
  ]);
});
