/** The learner and sampler of this machine as one disposable. */
import type { Config } from '../../src/config/schema.ts';
import { localPolicy } from '../../src/policy/local/open.ts';
import type { PolicyOrigin } from '../../src/policy/policy.ts';

export type OpenPolicy = ReturnType<typeof localPolicy> & AsyncDisposable;

/** Returns the policy unopened; disposing it closes both parts. */
export function closing(config: Config, origin: PolicyOrigin = {}): OpenPolicy {
  const policy = localPolicy(config, origin);
  const { learner, sampler } = policy;
  const close = async (): Promise<void> => {
    await Promise.all([learner[Symbol.asyncDispose](), sampler[Symbol.asyncDispose]()]);
  };
  return { ...policy, [Symbol.asyncDispose]: close };
}

export async function openLocal(config: Config, origin?: PolicyOrigin): Promise<OpenPolicy> {
  const policy = closing(config, origin);
  try {
    await Promise.all([policy.learner.open(), policy.sampler.open()]);
    return policy;
  } catch (error) {
    await policy[Symbol.asyncDispose]();
    throw error;
  }
}
