import { expect, test } from 'vitest';
import { groupSchema, leaseSchema, read } from '../../src/cluster/wire.ts';
import { encode } from '../../src/protocol/codec.ts';
import type { PictureRef } from '../../src/protocol/messages.ts';

const sha = 'a'.repeat(64);
const question = { id: 'q1', text: 'How many?', pictures: [{ type: 'figure', key: 'k' }] };
const params = { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 8 };
const lease = {
  id: 'b'.repeat(32),
  setup: sha,
  seconds: 15,
  weights: { sha, size: 4 },
  pictures: [],
  request: { questions: [question], params, seed: 1, version: 0 },
};

test('a lease is read as it was written', () => {
  expect(read(leaseSchema, encode(lease), 'a lease')).toEqual(lease);
});

test('a lease names no picture within a data file, which only the machine of the daemon has', () => {
  const within = { type: 'base64', path: 'data.jsonl', offset: 0, length: 8, digest: 'd' } as const;
  const asking = (of: PictureRef) => ({
    ...lease,
    request: { ...lease.request, questions: [{ ...question, pictures: [{ type: 'coarse', of }] }] },
  });
  expect(() => read(leaseSchema, encode(asking({ type: 'file', path: sha })), 'a lease')).not.toThrow();
  expect(() => read(leaseSchema, encode(asking(within)), 'a lease')).toThrow(
    'a lease: request.questions.0.pictures.0.of.type: Invalid',
  );
});

test('a message with anything more than its fields is refused', () => {
  const labelled = { ...lease, request: { ...lease.request, questions: [{ ...question, label: '4' }] } };
  expect(() => read(leaseSchema, encode(labelled), 'a lease')).toThrow(
    'a lease: request.questions.0: Unrecognized key',
  );
  const group = {
    lease: lease.id,
    weights: sha,
    index: 0,
    samples: [],
    totals: { promptTokens: 1, newTokens: 1, seconds: 1 },
  };
  expect(read(groupSchema, encode(group), 'a group')).toEqual(group);
  expect(() => read(groupSchema, encode({ ...group, command: { type: 'stop' } }), 'a group')).toThrow(
    'Unrecognized key',
  );
});
