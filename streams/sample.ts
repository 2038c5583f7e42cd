/**
 * Stage 2: a job of admitted questions, all to be sampled in the same way, becomes groups, stored before anyone judges
 * them. A job is stored whole or not at all.
 */
import { isWriting } from '../src/learn/question-reward.ts';
import { InputError } from '../src/protocol/errors.ts';
import type { RolloutGroup, Sample } from '../src/protocol/messages.ts';
import type { SampledReply } from '../src/protocol/ports.ts';
import type { Admission } from '../src/store/store.ts';
import { sampling } from '../src/roles/sampler.ts';
import type { Loop } from './loop.ts';
import { refuse } from './refused.ts';
import { writingParams } from './writing.ts';

type Job = readonly Admission[];

export function sample(loop: Loop) {
  const noteScaled = scaledNote(loop);
  return async (job: Job, lane: number): Promise<readonly RolloutGroup[]> => {
    const { version } = loop.state;
    loop.parts.policy.retain(version);
    loop.parts.measures.begin('rollout');
    let tokens = 0;
    try {
      const replies = await sampleOrSplit(loop, job, lane, version);
      tokens = replies.reduce((sum, reply) => sum + reply.newTokens, 0);
      noteScaled(replies);
      const samples = replies.flatMap((reply) => reply.groups);
      const groups = job.map((admission, i) => groupOf(admission, version, samples[i] ?? []));
      loop.parts.store.saveGroups(groups);
      for (const reply of replies) reply.stored?.();
      return groups;
    } finally {
      loop.parts.measures.end('rollout', { tokens });
      loop.parts.policy.release(version);
    }
  };
}

/** Reports once that pictures are scaled down. */
function scaledNote({ parts, effects }: Loop): (replies: readonly SampledReply[]) => void {
  let isNoted = false;
  return (replies) => {
    const scaled = replies.reduce((sum, { scaledPictures = 0 }) => sum + scaledPictures, 0);
    if (scaled === 0 || isNoted) return;
    isNoted = true;
    effects.say(
      `pictures of more than ${parts.config.pictures.maxTokens} tokens are scaled down (pictures.maxTokens): ${scaled} in the first job with such a picture`,
    );
  };
}

/**
 * One reply for the job, or, where a question of it is refused, one for each question: a refused one has no samples.
 */
async function sampleOrSplit(loop: Loop, job: Job, lane: number, version: number): Promise<readonly SampledReply[]> {
  try {
    return [await ask(loop, job, lane, version)];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (job.length === 1) return [refused(loop, job[0]!, error)];
    const replies: SampledReply[] = [];
    for (const admission of job) replies.push(...(await sampleOrSplit(loop, [admission], lane, version)));
    return replies;
  }
}

async function ask(
  loop: Pick<Loop, 'parts' | 'state'>,
  job: Job,
  lane: number,
  version: number,
): Promise<SampledReply> {
  const { config, performers } = loop.parts;
  const questions = job.map(({ question }) => question);
  const { question, sequence } = job[0]!;
  const params = isWriting(question)
    ? writingParams(config)
    : { ...config.sampling, ...loop.state.settings.samplingOf(sequence) };
  const request = { questions, params, seed: config.seed, version, reference: true };
  const reply = await performers.samplers[lane]!.perform({
    ...sampling(request, config.timeouts),
    signal: loop.state.stop,
  });
  const { samples } = params;
  if (reply.groups.length !== questions.length || reply.groups.some((group) => group.length !== samples)) {
    throw new Error(
      `the sampler was asked for ${samples} samples of ${questions.length} questions and gave ${reply.groups.map((group) => group.length).join(', ')}`,
    );
  }
  return reply;
}

function refused(loop: Loop, { question }: Admission, error: InputError): SampledReply {
  refuse(loop, 'training', { question: question.id, reason: error.message });
  return { groups: [[]], promptTokens: 0, newTokens: 0, seconds: 0 };
}

function groupOf({ sequence, question }: Admission, policyVersion: number, samples: readonly Sample[]): RolloutGroup {
  return { id: `g${sequence}`, sequence, question, policyVersion, samples };
}
