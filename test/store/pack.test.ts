import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sample, Verdict } from '../../src/protocol/messages.ts';
import { openStore } from '../../src/store/open-store.ts';
import { packSamples, packVerdict, unpackSamples, unpackVerdict } from '../../src/store/pack.ts';
import { question } from './messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const token = fc.nat(200_000);
const logprob = fc.oneof(fc.float({ max: 0 }), fc.double({ max: 0 }), fc.constant(-0), fc.constant(Number.NaN));

/** Samples with lists of equal length, float32 or float64 log-probabilities, with or without the base's. */
const sample: fc.Arbitrary<Sample> = fc.array(fc.tuple(token, logprob, logprob), { maxLength: 40 }).chain((steps) =>
  fc.record(
    {
      tokens: fc.constant(steps.map(([id]) => id)),
      logprobs: fc.constant(steps.map(([, value]) => value)),
      refLogprobs: fc.constant(steps.map(([, , value]) => value)),
      text,
      finish: fc.constantFrom('stop' as const, 'length' as const, 'cancelled' as const),
    },
    { noNullPrototype: true, requiredKeys: ['tokens', 'logprobs', 'text', 'finish'] },
  ),
);
const samples = fc.array(sample, { minLength: 1, maxLength: 10 });

const verdict: fc.Arbitrary<Verdict> = fc.record(
  {
    groupId: text,
    answers: fc.array(fc.option(text)),
    classes: fc.array(fc.integer({ min: -1, max: 64 })),
    winner: fc.integer({ min: -1, max: 64 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0),
    rewards: fc.array(fc.double()),
    advantages: fc.array(fc.double()),
    kept: fc.boolean(),
    dropped: fc.constantFrom('all-agree' as const, 'no-box' as const),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['groupId', 'answers', 'classes', 'winner', 'share', 'rewards', 'advantages', 'kept'],
  },
);

/** Own memory, as SQLite gives it back. */
function copied(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

describe('nothing changes on the way through a blob, bit for bit', () => {
  test('samples', () => {
    fc.assert(
      fc.property(samples, (value) => {
        expect(unpackSamples(copied(packSamples(value)))).toStrictEqual(value);
      }),
    );
  });

  test('verdicts', () => {
    fc.assert(
      fc.property(verdict, (value) => {
        expect(unpackVerdict(copied(packVerdict(value)))).toStrictEqual(value);
      }),
    );
  });

  test('groups and verdicts through the database', () => {
    using store = openStore(join(temporaryFolder(), 'quorum.db'));
    let sequence = 0;
    fc.assert(
      fc.property(samples, verdict, (drawn, judgement) => {
        const group = {
          id: `g${sequence}`,
          sequence,
          question: question(`q${sequence}`),
          policyVersion: sequence % 7,
          samples: drawn,
        };
        store.admit([{ sequence, question: group.question }]);
        store.saveGroups([group]);
        const own = { ...judgement, groupId: group.id };
        store.saveVerdicts([own]);
        sequence++;
        expect(store.judgedGroups(1)).toStrictEqual([{ group, verdict: own }]);
      }),
      { numRuns: 50 },
    );
  });
});

test('log-probabilities that are float32 take four bytes each', () => {
  const tokens = Array.from({ length: 1_000 }, (_, i) => i);
  const bytes = (logprobs: number[]) => packSamples([{ tokens, logprobs, text: '', finish: 'stop' }]).length;
  const exact = tokens.map((i) => -Math.log(i + 2));
  expect(bytes(exact) - bytes(exact.map(Math.fround))).toBe(4_000);
});
