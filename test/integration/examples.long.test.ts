/**
 * The scripts of examples/ that learn, as a user runs them: over the public API, with the bundled model.
 * examples.test.ts has the others.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runExample } from '../support/run-example.ts';
import { temporaryFolder } from '../support/temporary.ts';

const weights = (folder: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'model.safetensors')))
    .digest('hex');

test('learn.ts takes three steps, metrics.ts reads them, and loop.ts makes the same weights as the daemon', async () => {
  const folder = temporaryFolder();
  const [run, byHand] = [join(folder, 'run'), join(folder, 'by-hand')];
  const [line] = await runExample('learn', 'models/mini', run);
  const [, saved] = /^3 steps: accuracy \d+\.\d % -> \d+\.\d %; the model is in (.*)$/.exec(line!)!;
  const [, ...rows] = await runExample('metrics', run);
  expect(rows.map((row) => row.trim().split(/ +/)[0])).toEqual(['0', '1', '2', '3', 'version']);
  expect(await runExample('loop', 'models/mini', '3', byHand)).toHaveLength(3);
  expect(weights(byHand)).toBe(weights(saved!));
  expect(weights(byHand)).not.toBe(weights('models/mini'));
}, 240_000);
