import { expect, test } from 'vitest';
import { within } from '../../src/lib/within.ts';

test('a wait for what never comes has an end, with the words that were given; one for what comes has its value or its error', async () => {
  await expect(within(0.01, 'it did not come', new Promise(() => {}))).rejects.toMatchObject({ name: 'TimeoutError', message: 'it did not come' });
  expect(await within(60, 'late', Promise.resolve(7))).toBe(7);
  await expect(within(60, 'late', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
});
