/** How long an experiment will take on this machine: from the runs that it has done, or else from a short measurement. */
import { configSchema } from '../config/schema.ts';
import { mean } from '../lib/mean.ts';
import { openForSampling } from '../policy/local/open.ts';
import type { Bench } from './bench.ts';
import type { CellResult } from './cell.ts';

export interface Estimate {
  readonly runs: number;
  readonly done: number;
  /** Seconds for those that are not done. */
  readonly seconds: number;
}

/** A step's learning, as a multiple of the time in which its responses are sampled: as measured with models/mini. */
const LEARNING = 0.8;
const PROBE_QUESTIONS = 16;

/** @param left runs that train and are not done. */
export async function estimate(bench: Bench, known: readonly CellResult[], left: number): Promise<Estimate> {
  const seconds = left === 0 ? 0 : left * (fromKnown(known) ?? (await fromProbe(bench)));
  return { runs: known.length + left, done: known.length, seconds };
}

function fromKnown(known: readonly CellResult[]): number | undefined {
  const times = known.flatMap(({ steps, seconds, measureSeconds }) =>
    steps === 0 || measureSeconds === undefined ? [] : [seconds + measureSeconds],
  );
  return times.length === 0 ? undefined : mean(times);
}

/** Seconds of a run, from the speed at which the base answers questions of the suites. */
async function fromProbe({ config: settings, model, suites, common }: Bench): Promise<number> {
  const config = configSchema.parse({ ...settings, model });
  await using sampler = await openForSampling(config);
  const questions = Array.from({ length: PROBE_QUESTIONS }, (_, i) => {
    const { dataset } = suites[i % suites.length]!;
    return dataset.question(Math.floor(i / suites.length) % dataset.size);
  });
  const request = { questions, params: config.sampling, version: 0 };
  await sampler.sample({ ...request, seed: 0 }); // compiles the programs
  const { seconds } = await sampler.sample({ ...request, seed: 1 });
  const each = seconds / (PROBE_QUESTIONS * config.sampling.samples);
  const trained = common.questions * config.sampling.samples * (1 + LEARNING);
  const measured = suites.length * common.suiteQuestions * (1 + common.k);
  return each * (trained + measured);
}
