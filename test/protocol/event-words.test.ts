import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventWords } from '../../src/protocol/event-words.ts';

const metrics = { loss: 1 };

/** By type: what is stored, and what is read. */
const EVENTS: Readonly<Record<string, readonly (readonly [data: unknown, words: string])[]>> = {
  note: [['saved', 'saved']],
  checkpoint: [
    [{ version: 25 }, 'version 25 is saved'],
    [{ version: 20, best: true }, 'version 20 is saved as the best so far'],
  ],
  'actor.restarted': [[{ actor: 'voter', reason: 'a thread died' }, 'voter is restarted: a thread died']],
  'save.repeated': [
    [{ doing: 'saving version 3', reason: 'the thread ended' }, 'saving version 3, once more: the thread ended'],
  ],
  'settings.changed': [
    [
      [
        { path: 'filters.shareFloor', was: 0, is: 0.3 },
        { path: 'learner.dualClip', is: 3 },
      ],
      'filters.shareFloor is 0.3 (was 0); learner.dualClip is 3 (was not set)',
    ],
  ],
  'data.changed': [
    [
      {
        train: { added: 2, changed: 0, gone: 1 },
        heldOut: { added: 0, changed: 0, gone: 0 },
        pictures: null,
        dropped: 4,
        lost: 0,
      },
      'questions: 2 added, 1 gone; 4 in hand dropped',
    ],
  ],
  'question.refused': [
    [
      { question: 'a/1', reason: 'x.jsonl:4: damaged', part: 'held-out' },
      'the held-out question a/1 is left out: x.jsonl:4: damaged',
    ],
  ],
  'batch.set-aside': [
    [
      { batch: 4, version: 3, groups: ['a', 'b'], cause: 'NaN', numbers: metrics },
      'batch 4 (2 groups) is set aside at version 3: NaN',
    ],
  ],
  'batch.empty': [
    [
      { windows: 1, judged: 8, dropped: { 'no-box': 8 }, through: 3, text: 'none of 8 groups was kept: no box' },
      'none of 8 groups was kept: no box',
    ],
    // As an older Quorum stored it.
    [{ judged: 8, through: 3 }, 'judged 8, through 3'],
  ],
  'replay.failed': [
    [
      { batch: 2, cause: 'its picture is gone', from: 2, as: 5, lost: 2 },
      'batch 2 cannot be learnt again: its picture is gone; learning continues from version 2 as version 5, 2 versions are lost',
    ],
  ],
  rollback: [[{ from: 2, as: 9 }, 'learning continues from version 2 as version 9']],
  guardian: [
    [{ level: 'healthy', version: 8, why: '' }, 'healthy at version 8'],
    [
      {
        level: 'act',
        version: 9,
        why: 'KL 3',
        remedy: {
          type: 'restart',
          to: 4,
          attempt: 1,
          settings: { learningRate: 1e-5, temperature: 1, shareFloor: 0.2 },
        },
      },
      'act at version 9: KL 3; back to version 4 (try 1), learning rate 0.00001, temperature 1, share floor 0.2',
    ],
    [
      { level: 'act', version: 9, why: 'KL 3', remedy: { type: 'hold', to: null, why: 'no try is left' } },
      'act at version 9: KL 3; learning is paused',
    ],
  ],
  command: [
    [
      { command: { type: 'set', path: 'loop.maxStaleness', value: 1 }, author: 'Ada', outcome: 'done' },
      'set loop.maxStaleness to 1',
    ],
    [
      { command: { type: 'rollback', version: 9 }, author: 'Ada', outcome: 'version 9 is not on disk' },
      'roll back to version 9: version 9 is not on disk',
    ],
    [
      { command: { type: 'evaluate', full: false }, author: 'Ada', outcome: 'done', words: 'accuracy 80 %' },
      'evaluate: accuracy 80 %',
    ],
  ],
};

test.each(
  Object.entries(EVENTS).flatMap(([type, cases]) => cases.map(([data, words]) => [type, words, data] as const)),
)('%s: %s', (type, words, data) => {
  expect(eventWords(type, data)).toEqual({ text: words, ...(type === 'command' && { author: 'Ada' }) });
});

test('every type of event that is written has its words', () => {
  const files = ['src', 'streams', 'actors'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) =>
      name.endsWith('.ts') ? [join(folder, name)] : [],
    ),
  );
  const written = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:\.event|\b(?:journal|this)\.record)\('([a-z.-]+)'/g)].map(
      ([, type]) => type!,
    ),
  );
  expect([...new Set(written)].toSorted()).toEqual(Object.keys(EVENTS).toSorted());
});

test('an unknown event is shown as its fields', () => {
  expect(eventWords('odd', { a: 1, b: { c: 'x' }, d: null }).text).toBe('a 1, b (c x)');
  expect(eventWords('checkpoint', null).text).toBe('');
  expect(eventWords('guardian', 7).text).toBe('7');
  expect(eventWords('settings.changed', [null]).text).toBe('');
  expect(eventWords('command', { command: 'stop' }).text).toBe('command stop');
});
