/**
 * Votes on questions that the model wrote, by the model's own answers to them, with the checks and filters that hold for
 * every question. A question's id holds the group's, so its samples depend on the seed and on nothing that ran before.
 */
import type { Question, RolloutGroup, Sample, Verdict } from '../src/protocol/messages.ts';
import { sampleUnlessRefused } from '../src/roles/refusing.ts';
import { sampling } from '../src/roles/sampler.ts';
import { judging } from '../src/roles/voter.ts';
import { withChecks } from './check.ts';
import type { Loop } from './loop.ts';

/** Verdicts by the id of the question; a question that cannot be asked has none. */
export async function votesOn(
  loop: Pick<Loop, 'parts' | 'state'>,
  written: RolloutGroup,
  questions: readonly Question[],
): Promise<ReadonlyMap<string, Verdict>> {
  const { version } = loop.state;
  const { policy, measures } = loop.parts;
  policy.retain(version);
  measures.begin('rollout');
  let tokens = 0;
  try {
    const samples = await answersTo(loop, written, questions, version);
    tokens = [...samples.values()].flat().reduce((sum, sample) => sum + sample.tokens.length, 0);
    const groups = questions
      .filter(({ id }) => samples.has(id))
      .map((question): RolloutGroup => {
        const { id } = question;
        return { id, sequence: written.sequence, question, policyVersion: version, samples: samples.get(id)! };
      });
    return await verdictsOn(loop, groups);
  } finally {
    measures.end('rollout', { tokens });
    policy.release(version);
  }
}

/** By the run's samplers in turn, in calls of at most as many rows as the sampler's jobs have. */
async function answersTo(
  { parts: { config, performers }, state: { settings, stop } }: Pick<Loop, 'parts' | 'state'>,
  { sequence }: RolloutGroup,
  questions: readonly Question[],
  version: number,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const { votes } = config.synthesis.reward;
  const params = { ...config.sampling, ...settings.samplingOf(sequence), samples: votes };
  const most = Math.max(1, Math.floor((config.loop.jobQuestions * config.sampling.samples) / votes));
  const sampler = performers.samplers[sequence % performers.samplers.length]!; // not always the first
  const answers = new Map<string, readonly Sample[]>();
  for (let at = 0; at < questions.length; at += most) {
    const some = questions.slice(at, at + most);
    const ask = async (asked: readonly Question[]) => {
      const request = { questions: asked, params, seed: config.seed, version };
      return (await sampler.perform({ ...sampling(request, config.timeouts), signal: stop })).groups;
    };
    const found = await sampleUnlessRefused(some, ask, new Map());
    for (const [id, samples] of found) answers.set(id, samples);
  }
  return answers;
}

async function verdictsOn(
  loop: Pick<Loop, 'parts' | 'state'>,
  groups: readonly RolloutGroup[],
): Promise<ReadonlyMap<string, Verdict>> {
  const { performers, config } = loop.parts;
  const { stop, shareFloor } = loop.state;
  const hasChecks = performers.checks.length + performers.parkedChecks.length > 0;
  const verdicts = new Map<string, Verdict>();
  for (const group of hasChecks ? await withChecks(loop, groups) : groups) {
    const verdict = await performers.voter.perform({ ...judging(group, config.timeouts), signal: stop });
    const isBelow = verdict.kept && verdict.share < shareFloor; // the guardian's floor
    verdicts.set(group.id, isBelow ? { ...verdict, kept: false, dropped: 'share-floor' } : verdict);
  }
  return verdicts;
}
