/** Built-in sampler: the policy answers each question of a job several times. */
import type { Policy } from '../policy/policy.ts';
import type { SampleQuestions } from '../protocol/ports.ts';

export function sampler(policy: Pick<Policy, 'sample'>): SampleQuestions {
  return (request, signal) => policy.sample(request, signal);
}
