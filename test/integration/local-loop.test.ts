import { createHash } from 'node:crypto';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { Labels } from '../../src/data/dataset.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { Grader } from '../../src/learn/grader.ts';
import type { Learner } from '../../src/policy/learner.ts';
import { closing, openLocal } from '../support/local-policy.ts';
import { plainLoop } from '../support/plain-loop.ts';
import { rig, temporaryFolder, toyConfig } from '../support/rig.ts';
import { nodeArguments } from '../support/script.ts';

const STEPS = 2;
const PICTURES = 100;
const HELD_OUT = 8;
const INPUT = {
  model: 'models/mini',
  seed: 11,
  sampling: { samples: 4 },
  loop: { steps: STEPS, batchGroups: 3, jobQuestions: 2, maxStaleness: 0 },
  learner: { learningRate: 1e-3, minibatches: 1 },
  evaluation: { questions: 4, fullQuestions: 4, everySteps: 1 },
};
const train = openFigures({ pool: 'train', pictures: PICTURES, questions: 'one' }).dataset;
const heldOut = openFigures({ pool: 'heldout', pictures: HELD_OUT, questions: 'one' });
const grader = new Grader({ deadlineSeconds: 5 });
afterAll(() => grader[Symbol.asyncDispose]());

/** Checksum of the weights of version `STEPS`. */
async function weights(learner: Learner): Promise<string> {
  const folder = join(temporaryFolder(), 'model');
  await learner.save(STEPS, folder);
  return digest(join(folder, 'model.safetensors'));
}

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

async function byLoop(labels: Labels): Promise<string> {
  await using policy = closing(toyConfig(INPUT));
  const { run, errors } = await rig({
    config: INPUT,
    labels,
    other: { policy, train, heldOut: heldOut.dataset, grader },
  });
  expect(await run()).toBe(STEPS);
  expect(errors).toEqual([]);
  return await weights(policy.learner);
}

/** Checksum of the weights after the for-loop. */
async function byHand(): Promise<string> {
  await using policy = await openLocal(toyConfig(INPUT));
  await plainLoop(policy, train, grader, toyConfig(INPUT), STEPS);
  return await weights(policy.learner);
}
let plain: Promise<string>;
beforeAll(() => (plain = byHand()), 240_000);

test('with the bundled model, staleness 0 is a for-loop bit for bit, whatever the labels say', async () => {
  const base = await digest(join('models/mini', 'model.safetensors'));
  expect(await plain).not.toBe(base);
  expect(await byLoop(heldOut.labels)).toBe(await plain);
  expect(await byLoop({ label: () => undefined })).toBe(await plain);
}, 240_000);

test('with the sampler in another process it is the same to the bit: one plug-in, that of docs/plugins.md, and nothing else changes', async () => {
  const folder = temporaryFolder();
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'dir');
  const page = readFileSync('docs/plugins.md', 'utf8');
  writeFileSync(join(folder, 'elsewhere.ts'), /^```ts\n(\/\/ elsewhere\.ts\n[\s\S]*?)^```$/m.exec(page)![1]!);
  const child = nodeArguments(new URL('../support/sampler-child.ts', import.meta.url));
  const own = JSON.stringify({ ...INPUT, model: resolve(INPUT.model) });
  const options = { command: process.execPath, arguments: [...child, own] };
  const config = toyConfig({
    ...INPUT,
    runFolder: join(folder, 'run'),
    data: { type: 'figures', trainQuestions: PICTURES, heldOutQuestions: HELD_OUT },
    plugins: [{ use: './elsewhere.ts', options }],
    workers: { rolloutWorkers: 1 },
  });
  const daemon = await startDaemon(config, { pluginFolder: folder });
  const report = await daemon.closed();
  expect(report).toMatchObject({ end: 'steps', steps: STEPS });
  expect(daemon.plugins()[0]!.ports[0]).toMatchObject({ port: 'sample', state: 'running', restarts: 0 });
  expect(await digest(join(report.folder, 'model.safetensors'))).toBe(await plain);
}, 240_000);
