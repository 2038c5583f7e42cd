/** The learner: one step of the policy from a batch. */
import type { Config } from '../config/schema.ts';
import type { Policy } from '../policy/policy.ts';
import type { Batch } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Learn, LearnReply } from '../protocol/ports.ts';

export function learner(policy: Pick<Policy, 'learn'>): Learn {
  return (batch, signal) => policy.learn(batch, signal);
}

export function learning(batch: Batch, { learnSeconds }: Config['timeouts']): Call<Learn, LearnReply> {
  return {
    doing: `learning version ${batch.parent + 1} from ${batch.groups.length} groups`,
    seconds: learnSeconds,
    run: (port, signal) => port(batch, signal),
  };
}
