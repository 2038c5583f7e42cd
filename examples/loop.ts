/**
 * The whole method in one function: a model that improves itself by voting (MM-UPT, arXiv 2505.22453, with GRPO). With
 * the same settings and seed it makes the same weights, bit for bit, as the daemon with `loop.maxStaleness` 0;
 * test/integration/examples.long.test.ts holds the two equal. The daemon adds what a long run needs: sampling while it
 * learns, restarts of what fails, durability, evaluation, the dashboard.
 *
 *     npx tsx examples/loop.ts models/mini 3 improved
 */
import { pathToFileURL } from 'node:url';
import {
  dropReason,
  extractAnswer,
  groupAdvantages,
  majorityVote,
  openParts,
  type JudgedGroup,
  type LoopParts,
} from 'quorum';

/** Takes the model `steps` versions on, from version 0. Told of each batch before it is learnt from. */
export async function loop(
  parts: LoopParts,
  steps: number,
  tell: (batch: readonly JudgedGroup[]) => void,
): Promise<void> {
  const { config, ask, sampler, classify, learner } = parts;
  const { batchGroups, jobQuestions, maxOversample } = config.loop;
  let sequence = 0; // questions asked so far: the seed and this number fix every question and every response
  for (let version = 0; version < steps;) {
    const kept: JudgedGroup[] = [];
    const end = sequence + maxOversample * batchGroups;
    while (kept.length < batchGroups && sequence < end) {
      // Ask for as many groups as the batch lacks, a job at a time.
      for (let left = Math.min(batchGroups - kept.length, end - sequence); left > 0;) {
        const questions = await ask({ from: sequence, count: Math.min(left, jobQuestions) });
        left -= questions.length;

        // Sample a group of responses to each question. `reference`: with log-probabilities under the frozen base, for
        // the KL penalty.
        const { groups } = await sampler.sample({
          questions,
          params: config.sampling,
          seed: config.seed,
          version,
          reference: true,
        });

        for (const [i, question] of questions.entries()) {
          const samples = groups[i]!;
          // Vote: the answers in \boxed{}, sorted into classes of equivalent ones; the largest class is the
          // pseudo-label.
          const answers = samples.map(({ text }) => extractAnswer(text));
          const classes = await classify(answers);
          const vote = majorityVote(classes);

          // Reward: 1 for a response that voted for the winner, else 0. Advantage: the reward relative to the group
          // (GRPO).
          const { rewards, winner, share } = vote;
          const advantages = groupAdvantages(rewards, { normaliseStd: true });

          // Keep the group, unless all agree, silence won, or too few agree.
          const dropped = dropReason(vote, advantages, config.filters);
          const id = `g${sequence}`;
          const group = { id, sequence, question, policyVersion: version, samples };
          if (dropped === undefined) {
            kept.push({
              group,
              verdict: { groupId: id, answers, classes, winner, share, rewards, advantages, kept: true },
            });
          }
          sequence += 1;
        }
      }
    }
    if (kept.length === 0) continue; // no group taught anything: ask on

    // Learn: one step of the clipped policy gradient with KL penalty and AdamW makes the next version, which samples
    // from then on.
    tell(kept);
    await learner.step({ id: version, parent: version, groups: kept });
    version += 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [model = 'models/mini', steps = '3', folder] = process.argv.slice(2);
  await using parts = await openParts({
    model,
    seed: 1,
    sampling: { samples: 4 },
    loop: { batchGroups: 4, jobQuestions: 4 },
  });
  const mean = (batch: readonly JudgedGroup[]) =>
    batch.reduce((sum, { verdict }) => sum + verdict.share, 0) / batch.length;
  await loop(parts, Number(steps), (batch) =>
    console.log(`${batch.length} groups, mean vote share ${mean(batch).toFixed(2)}`),
  );
  if (folder !== undefined) await parts.learner.save(Number(steps), folder);
}
