/**
 * For scripts: opens a model, asks and measures it, runs the loop, reads a run. Each function loads what it needs when
 * it is called, so that an import of 'quorum' stays light for plug-ins and configuration files.
 */
import type { EvaluateOptions, SuiteAccuracy } from './api/evaluate.ts';
import type { Asked, Generated, GenerateOptions } from './api/generate.ts';
import type { Model } from './api/model.ts';
import type { LoopParts } from './api/parts.ts';
import type { Run } from './api/run.ts';
import type { ConfigInput } from './config/schema.ts';
import type { DaemonHandle, DaemonHooks } from './daemon/daemon-handle.ts';

/**
 * Opens the model in a Hugging Face folder for sampling, in threads of this process. Relative paths start at the
 * working directory.
 * @throws InputError for a bad setting or model.
 */
export async function openModel(folder: string, settings: ConfigInput = {}): Promise<Model> {
  return (await import('./api/model.ts')).openModel(folder, settings);
}

/**
 * Samples responses to a question about pictures, and lets their answers vote. @throws InputError for a bad picture or
 * question.
 */
export async function generate(model: Model, question: Asked, options: GenerateOptions = {}): Promise<Generated> {
  return (await import('./api/generate.ts')).generate(model, question, options);
}

/**
 * Measures the accuracy of a model: one result for each data set, in the order of the options; without one, the
 * held-out questions of the model's settings. @throws InputError for a bad data set, and where no question of one has
 * an answer.
 */
export async function evaluate(model: Model, options: EvaluateOptions = {}): Promise<readonly SuiteAccuracy[]> {
  return (await import('./api/evaluate.ts')).evaluate(model, options);
}

/**
 * Starts the daemon in this process: begins the run in `runFolder`, or continues it, and resolves when its actors run.
 * `closed()` resolves with the report when the run has ended. Without a setting for it, no dashboard is opened.
 * @throws InputError for a bad setting, model, data set, run folder or plug-in.
 */
export async function startLoop(settings: ConfigInput = {}, hooks: DaemonHooks = {}): Promise<DaemonHandle> {
  return (await import('./api/loop.ts')).startLoop(settings, hooks);
}

/**
 * Opens a run folder to be read, whether or not a daemon writes it. @throws InputError where there is no run, or a
 * newer Quorum wrote it.
 */
export async function openRun(folder: string): Promise<Run> {
  return (await import('./api/run.ts')).openRun(folder);
}

/** Opens the parts of the method, for a loop of your own. @throws InputError for a bad setting, model or data set. */
export async function openParts(settings: ConfigInput = {}): Promise<LoopParts & AsyncDisposable> {
  return (await import('./api/parts.ts')).openParts(settings);
}
