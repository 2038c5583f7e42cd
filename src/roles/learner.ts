/** The learner: one step of the policy from a batch. */
import type { Config } from '../config/schema.ts';
import type { Learner } from '../policy/learner.ts';
import type { Batch } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Learn, LearnReply } from '../protocol/ports.ts';

export function learner(own: Pick<Learner, 'step'>): Learn {
  return (batch, signal) => own.step(batch, signal);
}

export function learning(batch: Batch, { learnSeconds }: Config['timeouts']): Call<Learn, LearnReply> {
  return {
    doing: `learning version ${batch.parent + 1} from ${batch.groups.length} groups`,
    seconds: learnSeconds,
    run: (port, signal) => port(batch, signal),
  };
}
