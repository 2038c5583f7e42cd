import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { launchReal, launchToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/rig.ts';

const CURRICULUM: ConfigInput = { seed: 5, curriculum: { mode: 'on' } };

function contents(run: string, weights: string) {
  using store = openStore(join(run, 'quorum.db'));
  const { groups } = store.findGroups({}, { limit: 5_000 });
  const { questions, arms } = store.curriculum();
  return {
    weights: readFileSync(join(run, 'model', weights)),
    asked: groups.toReversed().map(({ group: { question, sequence } }) => [sequence, question.id]),
    questions,
    arms,
  };
}

test('killed repeatedly, a run chooses its questions as an undisturbed run does', async () => {
  const input: ConfigInput = {
    ...CURRICULUM,
    loop: { steps: 10, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
    filters: { shareFloor: 0.5 },
  };
  const alone = temporaryFolder();
  expect(await launchToy(alone, input, 'none')).toMatchObject({ steps: 10, end: 'steps' });
  const killed = temporaryFolder();
  for (const death of ['beforeSample:2', 'beforeSample:5', 'beforeLearn:2', 'afterLearn:1', 'beforeSample:3']) {
    expect([death, await launchToy(killed, input, death)]).toEqual([death, undefined]);
  }
  expect(await launchToy(killed, input, 'none')).toMatchObject({ steps: 10, end: 'steps' });
  expect(contents(join(killed, 'run'), 'table.json')).toEqual(contents(join(alone, 'run'), 'table.json'));
}, 240_000);

test('so does the bundled model, bit for bit', async () => {
  const input = (runFolder: string): ConfigInput => ({
    ...CURRICULUM,
    model: 'models/mini',
    runFolder,
    dashboard: { port: null },
    sampling: { samples: 4 },
    loop: { steps: 4, batchGroups: 3, jobQuestions: 2, maxStaleness: 0 },
    learner: { learningRate: 1e-3 },
    evaluation: { questions: 2, fullQuestions: 2, k: 2, everySteps: 10_000, fullEverySteps: 10_000 },
    checkpoints: { everySteps: 2, keepLast: 2 },
  });
  const [alone, killed] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'run')];
  expect(await launchReal(input(alone), 'none')).toMatchObject({ steps: 4, end: 'steps' });
  for (const death of ['stored:4', 'learning:2:0.3'])
    expect([death, await launchReal(input(killed), death)]).toEqual([death, undefined]);
  expect(await launchReal(input(killed), 'none')).toMatchObject({ steps: 4, end: 'steps' });
  expect(contents(killed, 'model.safetensors')).toEqual(contents(alone, 'model.safetensors'));
}, 600_000);
