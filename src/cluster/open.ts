/** Where `cluster.nats` is set, lets workers sample in place of a policy's own sampler and help its learner. */
import { modelText } from '../compute/rollout/model-text.ts';
import type { Config } from '../config/schema.ts';
import type { Policy } from '../policy/policy.ts';
import { ClusterSampler } from './sampler.ts';

/** @param config with the folder of the base model. */
export function withWorkers(config: Config, policy: Policy): Policy {
  const { nats } = config.cluster;
  if (nats === null) return policy;
  const { promptTemplate, prompt, pictures, seed, workers, learner, sampling, loop, timeouts } = config;
  const sampler = new ClusterSampler({
    cluster: { ...config.cluster, nats },
    model: config.model,
    policy: { promptTemplate, prompt, pictures, seed, workers, learner, sampling, loop, timeouts },
    runFolder: config.runFolder,
    own: policy.sampler,
    weightsOf: (version) => policy.learner.publish(version),
    limits: () => policy.learner.limits,
    ...(policy.learner.prompts && { tokenizer: modelText(policy.learner.prompts).tokenizer }),
  });
  policy.learner.shareWith?.(sampler.passes);
  return { learner: policy.learner, sampler, workers: sampler };
}
