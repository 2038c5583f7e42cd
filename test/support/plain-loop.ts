/** Runs examples/loop.ts with a test's parts: the daemon at staleness 0 must match it bit for bit. */
import { loop } from '../../examples/loop.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Classifier } from '../../src/learn/judge.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { questioner } from '../../src/roles/questioner.ts';

/** Makes `steps` steps with an open policy; returns the group ids of each batch. */
export async function plainLoop(
  { learner, sampler }: Policy,
  dataset: Dataset,
  grader: Classifier,
  config: Config,
  steps: number,
): Promise<string[]> {
  const batches: string[] = [];
  const parts = {
    config,
    learner,
    sampler,
    ask: questioner(dataset, config.seed),
    classify: (answers: readonly (string | null)[]) => grader.classify(answers),
  };
  await loop(parts, steps, (batch) => batches.push(batch.map(({ group }) => group.id).join(' ')));
  return batches;
}
