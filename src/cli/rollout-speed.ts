/**
 * Measures sampling, in tokens a second, at several numbers of CPU threads. Rounds of all numbers repeat, so that other
 * work on the machine affects all of them alike.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../lib/median.ts';
import { missingFolder } from '../compute/hf/missing-folder.ts';
import type { Config } from '../config/schema.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { openForSampling } from '../policy/local/open.ts';
import type { Sampler } from '../policy/sampler.ts';

export interface RolloutSpeed {
  /** `workers.rolloutThreads`. */
  readonly threads: number;
  /** Median over the rounds, without the base's log-probabilities. */
  readonly tokensPerSecond: number;
  /** Speed relative to the first number of threads, median over the rounds. */
  readonly ratio: number;
}

export interface SpeedRequest {
  readonly threads: readonly number[];
  /** Questions sampled at once. */
  readonly questions: number;
  /** Counted rounds, after one uncounted; each measures every number of threads once. */
  readonly rounds: number;
}

/** As the mini samples; enough rows and steps for a measurement. */
const RESPONSES = { samples: 10, maxNewTokens: 28 } as const;
/** Bytes of weights above which a round takes too long; more threads help such models anyway. */
const LARGE_BYTES = 50e6;
/** More threads must be faster by this factor to be preferred. */
const GAIN = 1.05;

interface Rated {
  readonly threads: number;
  readonly sampler: Sampler;
  readonly rates: number[];
}

/** @throws InputError for a bad model. */
export async function rolloutSpeeds(
  config: Config,
  { threads, questions: count, rounds }: SpeedRequest,
): Promise<RolloutSpeed[]> {
  const { dataset } = openFigures({ pool: 'train', pictures: count, questions: 'one' });
  const questions = Array.from({ length: count }, (_, i) => dataset.question(i));
  const params = { ...config.sampling, ...RESPONSES };
  const rated: Rated[] = [];
  try {
    for (const each of threads) rated.push({ threads: each, sampler: await openWith(config, each, count), rates: [] });
    for (let seed = 0; seed <= rounds; seed++) {
      for (const { sampler, rates } of rated) {
        const started = performance.now();
        const { newTokens } = await sampler.sample({ questions, params, seed, version: 0 });
        if (seed > 0) rates.push(newTokens / ((performance.now() - started) / 1000));
      }
    }
  } finally {
    for (const { sampler } of rated) await sampler[Symbol.asyncDispose]();
  }
  const first = rated[0]!.rates;
  return rated.map(({ threads: each, rates }) => ({
    threads: each,
    tokensPerSecond: median(rates),
    ratio: median(rates.map((rate, round) => rate / first[round]!)),
  }));
}

function openWith(config: Config, rolloutThreads: number, jobQuestions: number): Promise<Sampler> {
  const workers = { ...config.workers, rollout: 'auto' as const, rolloutWorkers: 1, rolloutThreads };
  const sampling = { ...config.sampling, ...RESPONSES };
  return openForSampling({ ...config, workers, sampling, loop: { ...config.loop, jobQuestions } });
}

/** The smallest number of threads that no other number clearly beats. */
export function fastest(speeds: readonly RolloutSpeed[]): RolloutSpeed {
  return speeds.reduce((best, each) => (each.ratio > GAIN * best.ratio ? each : best));
}

/** A sentence on why the speed of `config` cannot be measured; undefined if it can. */
export function whyUnmeasured({ model, workers }: Config, processors: number): string | undefined {
  const missing = missingFolder(model);
  if (missing !== undefined) return missing;
  if (processors < 2) return 'one processor';
  if (workers.engine !== 'cpu' && workers.engine !== 'auto')
    return `workers.engine is ${JSON.stringify(workers.engine)}`;
  const files = readdirSync(model).filter((name) => name.endsWith('.safetensors'));
  const bytes = files.reduce((sum, name) => sum + statSync(join(model, name)).size, 0);
  return bytes > LARGE_BYTES ? `the model has ${Math.round(bytes / 1e6)} MB of weights` : undefined;
}
