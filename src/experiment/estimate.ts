/** How long an experiment will take on this machine: from the runs that it has done, or else from a short measurement. */
import { configSchema, type ConfigInput } from '../config/schema.ts';
import { openForSampling } from '../policy/local/open.ts';
import type { Question } from '../protocol/messages.ts';

/** Responses of a run: sampled and learnt from, and sampled to measure. */
export interface Work {
  readonly trained: number;
  readonly measured: number;
}

export interface DoneWork extends Work {
  readonly seconds: number;
}

export interface Estimate {
  readonly runs: number;
  readonly done: number;
  /** Seconds for those that are not done. */
  readonly seconds: number;
}

/** What a measurement needs: the model, the settings of its runs, some questions. */
export interface Probe {
  readonly model: string;
  readonly config: ConfigInput;
  readonly questions: readonly Question[];
}

/** Learning from a response takes as long as this many samples of one. */
const LEARNING = 0.8;

export async function estimate(probe: Probe, done: readonly DoneWork[], left: readonly Work[]): Promise<Estimate> {
  const work = left.reduce((sum, each) => sum + weightOf(each), 0);
  const each = work === 0 ? 0 : (secondsOf(done) ?? (await measured(probe)));
  return { runs: done.length + left.length, done: done.length, seconds: work * each };
}

/** In responses that are only sampled. */
function weightOf({ trained, measured: only }: Work): number {
  return trained * (1 + LEARNING) + only;
}

/** Seconds a response; undefined without runs that trained. */
function secondsOf(done: readonly DoneWork[]): number | undefined {
  const trained = done.filter((run) => run.trained > 0);
  const total = trained.reduce((sum, { seconds }) => sum + seconds, 0);
  return trained.length === 0 ? undefined : total / trained.reduce((sum, run) => sum + weightOf(run), 0);
}

async function measured({ model, config: settings, questions }: Probe): Promise<number> {
  const config = configSchema.parse({ ...settings, model });
  await using sampler = await openForSampling(config);
  const request = { questions, params: config.sampling, version: 0 };
  await sampler.sample({ ...request, seed: 0 }); // compiles the programs
  const { seconds } = await sampler.sample({ ...request, seed: 1 });
  return seconds / (questions.length * config.sampling.samples);
}
