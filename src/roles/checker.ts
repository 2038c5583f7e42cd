/** A check of responses: the work of one group at a time, and the samples that the check asks for. */
import type { Config } from '../config/schema.ts';
import type { Sample } from '../protocol/messages.ts';
import type { Call, Performer } from '../protocol/performer.ts';
import type { Check, CheckReply, CheckRequest, SampleQuestions, SampleRequest } from '../protocol/ports.ts';
import { sampleUnlessRefused } from './refusing.ts';
import { sampling } from './sampler.ts';

/** Longest wait for samples, whose sampler has deadlines of its own: for its turn there and for the job. */
const SAMPLES_SECONDS = 86_400;

/** @param which names the group of the job: `group 2 of 8`. */
export function checking(
  request: CheckRequest,
  which: string,
  { pluginSeconds }: Pick<Config['timeouts'], 'pluginSeconds'>,
): Call<Check, CheckReply> {
  return { doing: `checking ${which}`, seconds: pluginSeconds, run: async (port, signal) => port(request, signal) };
}

/**
 * Samples for a check from an actor of the run's sampler, by the id of the question; a question that cannot be asked has
 * none. The check's actor answers for the sampling too: when that fails for good, the check is parked and the loop
 * continues.
 */
export function samplingFor(
  request: SampleRequest,
  sampler: Performer<SampleQuestions>,
  timeouts: Config['timeouts'],
): Call<Check, ReadonlyMap<string, readonly Sample[]>> {
  const { questions, version } = request;
  return {
    doing: `asking ${questions.length} question${questions.length === 1 ? '' : 's'} of its own with version ${version}`,
    seconds: SAMPLES_SECONDS,
    run: (_, signal) => {
      const sample = async (asked: SampleRequest['questions']) => {
        const call = sampling({ ...request, questions: asked }, timeouts);
        return (await sampler.perform({ ...call, signal, blames: () => true })).groups;
      };
      return sampleUnlessRefused(questions, sample, new Map());
    },
  };
}
