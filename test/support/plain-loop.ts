/** The loop as a for-loop: what staleness 0 promises to be, bit for bit. */
import { questioner } from '../../src/roles/questioner.ts';
import { voter } from '../../src/roles/voter.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Classifier } from '../../src/learn/judge.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { JudgedGroup } from '../../src/protocol/messages.ts';

/** Takes an open policy `steps` versions on; returns the group ids of each batch. */
export async function plainLoop(
  { learner, sampler }: Policy,
  dataset: Dataset,
  grader: Classifier,
  config: Config,
  steps: number,
): Promise<string[]> {
  const { batchGroups, jobQuestions, maxOversample } = config.loop;
  const ask = questioner(dataset, config.seed);
  const { signal } = new AbortController();
  const judge = voter(grader, config.filters);
  const batches: string[] = [];
  let sequence = 0;
  while (batches.length < steps) {
    const version = batches.length;
    const kept: JudgedGroup[] = [];
    let judged = 0;
    while (kept.length < batchGroups && judged < maxOversample * batchGroups) {
      let wanted = Math.min(batchGroups - kept.length, maxOversample * batchGroups - judged);
      while (wanted > 0) {
        const questions = await ask({ from: sequence, count: Math.min(wanted, jobQuestions) });
        const { groups } = await sampler.sample({ questions, params: config.sampling, seed: config.seed, version, reference: true }, signal);
        for (const [i, question] of questions.entries()) {
          const group = { id: `g${sequence}`, sequence, question, policyVersion: version, samples: groups[i]! };
          const verdict = await judge(group, signal);
          if (verdict.kept) kept.push({ group, verdict });
          sequence += 1;
        }
        judged += questions.length;
        wanted -= questions.length;
      }
    }
    if (kept.length === 0) continue;
    await learner.step({ id: version, parent: version, groups: kept }, signal);
    batches.push(kept.map(({ group }) => group.id).join(' '));
  }
  return batches;
}
