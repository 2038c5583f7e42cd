/** A check of responses: the work of one group at a time, and the samples that the check asks for. */
import type { Config } from '../config/schema.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Sample } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Check, CheckReply, CheckRequest, SampleRequest } from '../protocol/ports.ts';
import { sampleUnlessRefused } from './refusing.ts';

/** @param which names the group of the job: `group 2 of 8`. */
export function checking(
  request: CheckRequest,
  which: string,
  { pluginSeconds }: Pick<Config['timeouts'], 'pluginSeconds'>,
): Call<Check, CheckReply> {
  return { doing: `checking ${which}`, seconds: pluginSeconds, run: async (port, signal) => port(request, signal) };
}

/**
 * Samples for a check, by the id of the question; a question that cannot be asked has none. The check's actor answers
 * for the sampling too: when that fails for good, the check is parked and the loop continues.
 */
export function samplingFor(
  request: SampleRequest,
  sampler: Pick<Sampler, 'sample'>,
  { sampleSeconds }: Pick<Config['timeouts'], 'sampleSeconds'>,
): Call<Check, ReadonlyMap<string, readonly Sample[]>> {
  const { questions, version } = request;
  return {
    doing: `asking ${questions.length} question${questions.length === 1 ? '' : 's'} of its own with version ${version}`,
    seconds: sampleSeconds,
    run: (_, signal) =>
      sampleUnlessRefused(
        questions,
        async (asked) => (await sampler.sample({ ...request, questions: asked }, signal)).groups,
        new Map(),
      ),
  };
}
