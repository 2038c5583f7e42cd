import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import type { PortName } from '../../src/protocol/ports.ts';
import { CALLS } from '../../src/testing/calls.ts';
import { recorded } from '../../src/testing/recorded.ts';

const { timeouts } = configSchema.parse({
  timeouts: { sampleSeconds: 1, judgeSeconds: 2, learnSeconds: 3, evaluateSeconds: 4, pluginSeconds: 5 },
});

const EXPECTED: Readonly<Record<PortName, { readonly doing: RegExp; readonly seconds: number }>> = {
  ask: { doing: /^choosing \d+ questions?$/, seconds: 1 },
  sample: { doing: /^sampling \d+ questions? with version \d+$/, seconds: 1 },
  judge: { doing: /^judging the answers to \S+$/, seconds: 2 * recorded.requests.judge[0]!.samples.length + 1 },
  learn: { doing: /^learning version \d+ from \d+ groups$/, seconds: 3 },
  evaluate: { doing: /^evaluating version \d+( in full)?$/, seconds: 4 },
  synthesize: { doing: /^writing \d+ questions with version \d+$/, seconds: 1 },
  check: { doing: /^checking group 1 of 1$/, seconds: 5 },
  reward: { doing: /^rewarding group 1 of 1$/, seconds: 5 },
  advantage: { doing: /^advantages of group 1 of 1$/, seconds: 5 },
  filter: { doing: /^filtering group 1 of 1$/, seconds: 5 },
  watch: { doing: /^watching: (judged|learnt|evaluated)$/, seconds: 5 },
  export: { doing: /^exporting \d+ records$/, seconds: 5 },
  panel: { doing: /^drawing its panel$/, seconds: 5 },
};

test.each(Object.keys(EXPECTED) as PortName[])(
  'the call of the port %s has its label, its deadline, and hands the request on',
  async (port) => {
    const request = recorded.requests[port][0] as never;
    const { doing, seconds, run } = CALLS[port](request, timeouts);
    expect(doing).toMatch(EXPECTED[port].doing);
    expect(seconds).toBe(EXPECTED[port].seconds);
    const { signal } = new AbortController();
    const given: unknown[] = [];
    await run(((...all: unknown[]) => given.push(...all)) as never, signal);
    expect(given).toEqual(port === 'panel' ? [signal] : [request, signal]);
  },
);

test('no stage and no part of the daemon writes a label of its own', () => {
  const root = join(import.meta.dirname, '..', '..');
  const files = ['streams', 'src/daemon'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
  expect(files.length).toBeGreaterThan(40);
  expect(files.filter((file) => /perform\(\{\s*doing|\bdoing: `/.test(readFileSync(file, 'utf8')))).toEqual([]);
});
