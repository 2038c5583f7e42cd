/** Built-in learner: one step of the policy from a batch. */
import type { Policy } from '../policy/policy.ts';
import type { Learn } from '../protocol/ports.ts';

export function learner(policy: Pick<Policy, 'learn'>): Learn {
  return (batch, signal) => policy.learn(batch, signal);
}
