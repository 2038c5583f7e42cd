/**
 * Fewer kills than of the toy, as each begins with a model that is opened: one in `npm run test:all`, fifty with `npm
 * run chaos`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Random } from '../../src/data/rng.ts';
import { chaos, contentsOf, KILLS, LIMIT, LONG, SEED, type Launch } from '../support/chaos.ts';
import { launchReal } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';

const FEWER = Math.ceil(KILLS / 10);
/** More than the killed launches come to: none gets further than its fourth step. */
const STEPS = 4 * FEWER + (LONG ? 4 : 1);
const QUESTIONS = LONG ? 200 : 16;

const input = (maxStaleness: number): ConfigInput => ({
  model: 'models/mini',
  seed: 5,
  dashboard: { port: null },
  sampling: { samples: LONG ? 8 : 4 },
  loop: { steps: STEPS, batchGroups: LONG ? 8 : 4, jobQuestions: LONG ? 4 : 2, maxStaleness },
  evaluation: { questions: QUESTIONS, everySteps: STEPS, fullQuestions: 2, k: 2, fullEverySteps: 1_000_000 },
  checkpoints: { everySteps: 4, keepLast: 2 },
});

const launch: Launch = (folder, config, death) => launchReal({ ...config, runFolder: join(folder, 'run') }, death);
/** Between samples and their verdicts, or somewhere in a learner step. */
const deathAt = (random: Random): string =>
  random.float() < 0.5 ? `stored:${random.int(1, 9)}` : `learning:${random.int(1, 4)}:${random.float()}`;
const weightsIn = (folder: string): Buffer => readFileSync(join(folder, 'run', 'model', 'model.safetensors'));

async function twice(maxStaleness: number) {
  const [untouched, killed] = [temporaryFolder(), temporaryFolder()];
  const undisturbed = await launch(untouched, input(maxStaleness), 'none');
  const known = maxStaleness === 0 ? { alone: contentsOf(untouched) } : {};
  const { report, kills } = await chaos(killed, input(maxStaleness), {
    ...known,
    kills: FEWER,
    seed: SEED,
    launch,
    deathAt,
  });
  const [one, other] = [undisturbed!.history.at(-1)!, report.history.at(-1)!];
  expect([one.version, other.version]).toEqual([STEPS, STEPS]);
  const accuracies = [one.greedy, other.greedy] as const;
  console.log(
    `staleness ${maxStaleness}: ${kills} kills in ${report.steps} steps, ${accuracies[0]} left alone, ${accuracies[1]} killed`,
  );
  expect(kills).toBe(FEWER);
  for (const { steps, end } of [undisturbed!, report]) expect([steps, end]).toEqual([STEPS, 'steps']);
  return { untouched, killed, accuracies };
}

// `real-kill` looks at staleness 2 too.
test(
  'the bundled model, killed again and again, ends with the weights of a run that was left alone',
  LIMIT,
  async () => {
    const { untouched, killed, accuracies } = await twice(0);
    expect(weightsIn(killed).equals(weightsIn(untouched))).toBe(true);
    expect(accuracies[1]).toBe(accuracies[0]);
  },
);

test.runIf(LONG)(
  'and where rollouts and learning overlap, as accurate within the noise of its questions',
  LIMIT,
  async () => {
    const { accuracies } = await twice(2);
    const p = (accuracies[0] + accuracies[1]) / 2;
    expect(Math.abs(accuracies[0] - accuracies[1])).toBeLessThanOrEqual(3 * Math.sqrt((2 * p * (1 - p)) / QUESTIONS));
  },
);
