import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon.ts';
import { temporaryFolder, toyConfig } from '../support/rig.ts';
import { toyAnswer, ToyPolicy } from '../support/toy-policy.ts';

function toyRun(steps: number | null) {
  const folder = temporaryFolder();
  const line = (i: number) => JSON.stringify({ id: `q${i}`, problem: `question ${i}`, images: [], answer: String(toyAnswer(`question ${i}`)) });
  const trainFile = join(folder, 'train.jsonl');
  const heldOutFile = join(folder, 'held-out.jsonl');
  writeFileSync(trainFile, Array.from({ length: 48 }, (_, i) => line(i)).join('\n'));
  writeFileSync(heldOutFile, Array.from({ length: 12 }, (_, i) => line(i)).join('\n'));
  mkdirSync(join(folder, 'run'));
  const config = toyConfig({
    runFolder: join(folder, 'run'),
    data: { type: 'jsonl', trainFile, heldOutFile },
    loop: { steps },
    checkpoints: { everySteps: 5 },
  });
  return { config, folder };
}

test('a daemon runs to its number of steps, saves and reports', async () => {
  const { config, folder } = toyRun(12);
  const reportFile = join(folder, 'report.json');
  const daemon = await startDaemon(config, { reportFile, createPolicy: (_, { checkpoint }) => new ToyPolicy(checkpoint ? { checkpoint } : {}) });
  const report = await daemon.closed();
  expect(report).toMatchObject({ end: 'steps', steps: 12, restarts: 0 });
});
