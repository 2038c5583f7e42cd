/** The sampler: the policy answers each question of a job several times. */
import type { Config } from '../config/schema.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { Call } from '../protocol/performer.ts';
import type { SampleQuestions, SampledReply, SampleRequest } from '../protocol/ports.ts';

export function sampler(own: Pick<Sampler, 'sample'>): SampleQuestions {
  return (request, signal) => own.sample(request, signal);
}

/** One job. */
export function sampling(
  request: SampleRequest,
  { sampleSeconds }: Config['timeouts'],
): Call<SampleQuestions, SampledReply> {
  const { questions, version } = request;
  return {
    doing: `sampling ${questions.length} question${questions.length === 1 ? '' : 's'} with version ${version}`,
    seconds: sampleSeconds,
    run: (port, signal) => port(request, signal),
  };
}
