import { afterAll, expect, test } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { trace } from '../../../src/compute/compile/trace.ts';
import { blockFeeds, blockProgram, TINY } from './block.ts';
import { expectClose, run } from './support.ts';

const cpu = await createEngine('cpu', { threads: 2 });
const reference = await createEngine('reference', { threads: 1 });
afterAll(() => cpu[Symbol.asyncDispose]());

test('a transformer trains alike on both engines', async () => {
  const [spec, feeds] = [blockProgram(TINY), blockFeeds(TINY)];
  expectClose(await run(cpu, spec, feeds), await run(reference, spec, feeds), 2e-6);
});

test('is the same on every run, with two threads', async () => {
  const [spec, feeds] = [blockProgram(TINY), blockFeeds(TINY)];
  const first = await run(cpu, spec, feeds);
  for (let i = 0; i < 3; i++) expect(await run(cpu, spec, feeds)).toEqual(first);
});

test('the same specs give the same graph', () => {
  expect(trace(blockProgram(TINY)).nodes).toEqual(trace(blockProgram(TINY)).nodes);
});

test('a traced transformer block stays small', () => {
  const nodes = (layers: number): number => trace(blockProgram({ ...TINY, layers })).nodes.length;
  // One node more here is one more pass over every activation of every layer.
  expect(nodes(3) - nodes(2)).toBeLessThanOrEqual(110);
});
