/** The parts of the method, for a loop of one's own (examples/loop.ts). The daemon wires the same ones into streams. */
import { completeConfig } from '../config/load.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { openData } from '../data/open.ts';
import { Grader } from '../learn/grader.ts';
import type { Learner } from '../policy/learner.ts';
import { localPolicy, refuseEngine } from '../policy/local/open.ts';
import type { Sampler } from '../policy/sampler.ts';
import type { AskRequest } from '../protocol/ports.ts';
import type { Question } from '../protocol/messages.ts';
import { questioner } from '../roles/questioner.ts';

export interface LoopParts {
  /** The given settings, completed by the defaults for the model. */
  readonly config: Config;
  /** The next questions of the training pool, in the seeded order of the daemon. */
  readonly ask: (request: AskRequest) => Promise<readonly Question[]>;
  readonly sampler: Pick<Sampler, 'sample'>;
  readonly learner: Pick<Learner, 'step' | 'save' | 'retain' | 'release'>;
  /** Sorts answers into classes of equivalent ones: 0-based in order of first appearance, -1 for null. */
  classify(answers: readonly (string | null)[]): Promise<readonly number[]>;
}

/**
 * Version 0 of the model that the settings name, with its threads, until disposed of. @throws InputError for a bad
 * setting, model or data set.
 */
export async function openParts(settings: ConfigInput): Promise<LoopParts & AsyncDisposable> {
  const { config } = completeConfig(settings);
  refuseEngine(config.workers);
  const { train } = await openData(config.data);
  const { learner, sampler } = localPolicy(config);
  const grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const close = async (): Promise<void> => {
    await Promise.all([grader, sampler, learner].map((part) => part[Symbol.asyncDispose]()));
  };
  try {
    await Promise.all([learner.open(), sampler.open()]);
  } catch (error) {
    await close();
    throw error;
  }
  const classify = (answers: readonly (string | null)[]) => grader.classify(answers);
  return { config, ask: questioner(train, config.seed), sampler, learner, classify, [Symbol.asyncDispose]: close };
}
