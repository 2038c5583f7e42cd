/** The scripts of examples/ that only look, over the public API; examples.long.test.ts has those that learn. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import { png } from '../support/png.ts';
import { runExample } from '../support/run-example.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('answer.ts answers a question about a picture', async () => {
  const picture = join(temporaryFolder(), 'figure.png');
  writeFileSync(picture, await png());
  const lines = await runExample('answer', 'models/mini', picture, 'how many discs ?');
  expect(lines).toHaveLength(9);
  expect(lines.at(-1)).toMatch(/^\S+ \(\d+ % of the votes\)$|^no response has an answer/);
});

test('metrics.ts prints what a run measured by version, and which one is best', async () => {
  const folder = temporaryFolder();
  using store = openStore(join(folder, 'quorum.db'));
  for (const [version, greedy] of [0.25, 0.75, 0.5].entries()) store.metric('greedy', version, greedy);
  store.metric('kl', 1, 0.125);
  const lines = await runExample('metrics', folder);
  expect(lines.slice(0, -1).map((line) => line.trim().split(/ +/))).toEqual([
    ['version', 'greedy', 'voteShare', 'entropy', 'kl'],
    ['0', '0.250', '-', '-', '-'],
    ['1', '0.750', '-', '-', '0.125'],
    ['2', '0.500', '-', '-', '-'],
  ]);
  expect(lines.at(-1)).toBe('version 1 is the most accurate: 0.75');
});
