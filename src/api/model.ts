/** An open model: threads that sample, and the grader of its answers. */
import { completeConfig } from '../config/load.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { Grader } from '../learn/grader.ts';
import type { Classifier } from '../learn/judge.ts';
import { openForSampling } from '../policy/local/open.ts';
import type { SampleReply, SampleRequest } from '../protocol/ports.ts';

/**
 * A model that can be asked. It holds threads until it is disposed of: `await using model = await openModel(folder)`.
 */
export interface Model extends AsyncDisposable {
  /** Hugging Face folder, absolute. */
  readonly folder: string;
  /** The given settings, completed by the defaults for this model. */
  readonly config: Config;
  /** Samples responses with the model, which is version 0. */
  readonly sampler: { sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> };
  /** Sorts answers into classes of equivalent ones. */
  readonly grader: Classifier;
}

/** @throws InputError for a bad setting or model. */
export function openModel(folder: string, settings: ConfigInput): Promise<Model> {
  return openConfigured(completeConfig({ ...settings, model: folder }).config);
}

/** The model that the configuration names. @throws InputError for a bad model, CancelledError after `signal` aborts. */
export async function openConfigured(config: Config, signal?: AbortSignal): Promise<Model> {
  const sampler = await openForSampling(config, undefined, signal);
  const grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const close = async (): Promise<void> => {
    await grader[Symbol.asyncDispose]();
    await sampler[Symbol.asyncDispose]();
  };
  return { folder: config.model, config, sampler, grader, [Symbol.asyncDispose]: close };
}
