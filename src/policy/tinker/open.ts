/** Makes the policy of a run with `workers.engine` "tinker": the server both learns and samples. */
import type { Config } from '../../config/schema.ts';
import { InputError } from '../../protocol/errors.ts';
import type { PolicyOrigin } from '../policy.ts';
import { TinkerClient } from './client.ts';
import { TinkerLearner } from './learner.ts';
import { Prompts } from './prompts.ts';
import { TinkerSampler } from './sampler.ts';

/** Not open yet. @throws InputError naming the setting that a Tinker server cannot follow. */
export function tinkerPolicy(
  config: Config,
  { checkpoint, base }: PolicyOrigin = {},
): { readonly learner: TinkerLearner; readonly sampler: TinkerSampler } {
  const { url, baseModel, rank } = requiredSettings(config, base);
  const { tinker, timeouts, sampling, seed, learner: learning, model, promptTemplate, prompt, pictures } = config;
  const { adapter: _adapter, betas, weightDecay, gradientClipNorm, ...learn } = learning;
  const client = new TinkerClient({
    url,
    key: process.env[tinker.keyVariable] || undefined,
    maxInHand: tinker.maxInHand,
    backoffMilliseconds: tinker.backoffMilliseconds,
  });
  const opening = Prompts.open({ model, promptTemplate, prompt, pictures });
  opening.catch(() => {}); // `open` of the learner and of the sampler throws it
  const { temperature, maxNewTokens } = sampling;
  const learner = new TinkerLearner({
    client,
    prompts: opening,
    source: {
      folder: model,
      template: promptTemplate,
      system: prompt.system ?? undefined,
      maxPictureTokens: pictures.maxTokens,
    },
    model: { baseModel, rank, seed, openSeconds: timeouts.openSeconds },
    settings: { ...learn, temperature, maxNewTokens },
    optimizer: { betas, weightDecay, gradientClipNorm },
    timeouts,
    checkpoint,
  });
  const own = { client, prompts: opening, timeouts, lost: (why: string) => learner.lost(why) };
  return { learner, sampler: new TinkerSampler(own, (n) => learner.publish(n)) };
}

function requiredSettings(
  { tinker: { url, model }, cluster, learner: { adapter }, sampling }: Config,
  base: string | undefined,
): { readonly url: string; readonly baseModel: string; readonly rank: number } {
  if (url === null) throw new InputError('`workers.engine` is "tinker": set `tinker.url` to the server');
  if (model === null)
    throw new InputError(
      '`workers.engine` is "tinker": set `tinker.model` to the name under which the server has the base',
    );
  if (cluster.nats !== null)
    throw new InputError(
      '`cluster.nats` is set, and workers cannot sample with weights that are on a Tinker server: set `cluster.nats` to null, or another `workers.engine`',
    );
  if (base !== undefined)
    throw new InputError(
      `${base} is the base of this run, which a Tinker server does not have: choose another run folder`,
    );
  if (adapter.type === 'none')
    throw new InputError(
      '`learner.adapter.type` is "none", and a Tinker server trains adapters: set `learner.adapter` to {type: lora, rank: 16}',
    );
  if (sampling.temperature !== 1)
    throw new InputError(
      `\`sampling.temperature\` is ${sampling.temperature}, and a Tinker server learns at temperature 1: set 1`,
    );
  return { url, baseModel: model, rank: adapter.rank };
}
