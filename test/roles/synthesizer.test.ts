import { expect, test } from 'vitest';
import { synthesizer } from '../../src/roles/synthesizer.ts';
import { listDataset } from '../../src/data/dataset.ts';
import { InputError } from '../../src/protocol/errors.ts';
import type { Question } from '../../src/protocol/messages.ts';
import type { SampleRequest } from '../../src/protocol/ports.ts';
import { toyConfig } from '../support/rig.ts';

const { signal } = new AbortController();
const rows: Question[] = Array.from({ length: 6 }, (_, i) => ({
  id: `row-${i}`,
  text: `question ${i}`,
  pictures: [{ type: 'figure', key: `plain/train/0/${i}` }],
  origin: 'dataset',
}));
const isBad = ({ pictures }: Question): boolean => JSON.stringify(pictures) === JSON.stringify(rows[2]!.pictures);

function setUp(refuses: (question: Question) => boolean) {
  const requests: SampleRequest[] = [];
  const told: string[] = [];
  const sample = (request: SampleRequest) => {
    requests.push(request);
    if (request.questions.some(refuses)) return Promise.reject(new InputError('the picture is damaged'));
    const groups = request.questions.map(({ id }) => [
      { tokens: [1], logprobs: [-1], text: `What of ${id}?`, finish: 'stop' as const },
    ]);
    return Promise.resolve({ groups, promptTokens: 1, newTokens: 1, seconds: 0 });
  };
  const train = { ...listDataset('train', rows), where: (id: string) => `rows.jsonl:${Number(id.split('-')[1]) + 1}` };
  const config = toyConfig({ synthesis: { mode: 'both' } });
  return {
    write: synthesizer({ sampler: { sample }, train, config, tell: (text) => told.push(text) }),
    requests,
    told,
  };
}

test('a picture that cannot be asked about costs the questions about it and no other; it is named once and asked about no more', async () => {
  const whole = setUp(() => false);
  const all = await whole.write({ from: 0, count: 24, version: 0 }, signal);
  expect(all).toHaveLength(24);
  const { write, requests, told } = setUp(isBad);
  const written = await write({ from: 0, count: 24, version: 0 }, signal);
  expect(written).toEqual(all.filter(({ question }) => !isBad(question)));
  expect(written.length).toBeLessThan(24);
  expect(told).toEqual(['nothing is written about rows.jsonl:3: question row-2: the picture is damaged']);
  requests.length = 0;
  expect(await write({ from: 0, count: 24, version: 1 }, signal)).toEqual(written);
  expect(requests).toHaveLength(1);
});
