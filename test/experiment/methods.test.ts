import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runExperiment, type ExperimentOptions, type ExperimentProgress } from '../../src/experiment/experiment.ts';
import { runStream } from '../../src/experiment/stream.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { temporaryFolder, writeTinyFolder } from '../support/tiny-folder.ts';

const { signal } = new AbortController();
const model = packagePath('models/mini');

it('runs methods on the ladder, keeps what it ran, and shows accuracy by level', async () => {
  await using folder = await temporaryFolder();
  const tiny = join(folder.path, 'model');
  await writeTinyFolder(tiny, 3);
  const out = join(folder.path, 'out');
  const options = {
    model: tiny,
    folder: out,
    data: 'ladder',
    seeds: [0],
    methods: ['sft'],
    budgetSteps: 1,
    suiteQuestions: 12,
    k: 2,
    config: {
      data: { type: 'ladder', families: ['hours', 'digits'] },
      sampling: { maxNewTokens: 4, samples: 2 },
      evaluation: { questions: 12 },
    },
    signal,
  } satisfies ExperimentOptions;
  const run = async (minutes?: number) => {
    const seen: ExperimentProgress[] = [];
    const more = minutes === undefined ? {} : { minutes };
    const result = await runExperiment({ ...options, ...more }, (progress) => seen.push(progress));
    return { result, seen };
  };

  const late = await run(1e-9);
  expect(late.result).toMatchObject({ left: 2, rows: [] });
  const first = await run();
  expect(first.result.left).toBe(0);
  expect(first.result.rows.map(({ method, seeds }) => [method, seeds])).toEqual([
    ['base', 1],
    ['sft', 1],
  ]);
  for (const { levels, suites } of first.result.rows) {
    expect(Object.keys(levels)).toHaveLength(12);
    expect(Object.keys(suites)).toEqual(['hours', 'digits', 'average']);
  }
  const [estimated] = first.seen;
  expect(estimated).toMatchObject({ type: 'estimate', estimate: { runs: 2, done: 0 } });
  expect(estimated!.type === 'estimate' && estimated!.estimate.seconds).toBeGreaterThan(0);
  expect(first.seen.flatMap((each) => (each.type === 'cell' ? [each.name] : []))).toEqual([
    'base, seed 0',
    'sft, seed 0',
  ]);
  expect(readFileSync(join(out, 'tables.html'), 'utf8')).toContain('By level, greedy');

  const cells = readdirSync(join(out, 'cells'));
  expect(cells).toHaveLength(2);
  const again = await run();
  expect(again.result).toEqual(first.result);
  expect(again.seen[0]).toEqual({ type: 'estimate', estimate: { runs: 2, done: 2, seconds: 0 } });
  expect(readdirSync(join(out, 'cells'))).toEqual(cells);
}, 300_000);

it('refuses a method that it does not know, and a folder without weights', async () => {
  await using folder = await temporaryFolder();
  const options = {
    model: folder.path,
    folder: join(folder.path, 'out'),
    seeds: [0],
    budgetSteps: 1,
    suiteQuestions: 1,
    k: 1,
    config: {},
    signal,
  };
  const run = (methods: readonly string[]) => runExperiment({ ...options, methods }, () => undefined);
  await expect(run(['ppo'])).rejects.toThrow(/--methods: there is no method ppo; known are mm-upt/);
  await expect(run(['sft'])).rejects.toThrow(InputError);
});

describe('a setting with a bad value', () => {
  const refused = { config: { learner: { learningRate: 'fast' as never } }, seeds: [0], signal };
  const methods = (folder: string) =>
    runExperiment({ ...refused, model, folder, budgetSteps: 1, suiteQuestions: 1, k: 1 }, () => {});
  const stream = (folder: string) =>
    runStream(
      { ...refused, model, folder, data: 'figures', stages: ['bars', 'grid'], stageSteps: 1, heldOut: 1 },
      () => {},
    );

  it.each([{ methods }, { stream }].map((each) => Object.entries(each)[0]!))(
    'is named by the experiment %s, and no folder is made',
    async (_, experiment) => {
      await using folder = await temporaryFolder();
      const out = join(folder.path, 'out');
      const error = await experiment(out).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toMatch(/^--set: .*learner\.learningRate/s);
      expect(existsSync(out)).toBe(false);
    },
  );
});
