/**
 * Measures sampling, in tokens a second, at several numbers of CPU threads. Rounds of all numbers repeat, so that other
 * work on the machine affects all of them alike.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../lib/median.ts';
import { kindOf } from '../compute/engine/engine.ts';
import { missingFolder } from '../compute/hf/missing-folder.ts';
import type { Config } from '../config/schema.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { engineOf } from '../policy/local/devices.ts';
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
  readonly responses: { readonly samples: number; readonly maxNewTokens: number };
}

/** Bytes of weights above which a round takes too long. */
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
  { threads, questions: count, rounds, responses }: SpeedRequest,
): Promise<RolloutSpeed[]> {
  const { dataset } = openFigures({ pool: 'train', pictures: count, questions: 'one' });
  const questions = Array.from({ length: count }, (_, i) => dataset.question(i));
  const own = { ...config, sampling: { ...config.sampling, ...responses } };
  const rated: Rated[] = [];
  try {
    for (const each of threads) rated.push({ threads: each, sampler: await openWith(own, each, count), rates: [] });
    for (let seed = 0; seed <= rounds; seed++) {
      for (const { sampler, rates } of rated) {
        const started = performance.now();
        const { newTokens } = await sampler.sample({ questions, params: own.sampling, seed, version: 0 });
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
  return openForSampling({ ...config, workers, loop: { ...config.loop, jobQuestions } });
}

/** The smallest number of threads that no other number clearly beats. */
export function fastest(speeds: readonly RolloutSpeed[]): RolloutSpeed {
  return speeds.reduce((best, each) => (each.ratio > GAIN * best.ratio ? each : best));
}

/** A sentence on why the speed of `config` cannot be measured; undefined if it can. */
export function whyUnmeasured({ model, workers }: Config, processors: number): string | undefined {
  const missing = missingFolder(model);
  if (missing !== undefined) return missing;
  const { engine } = workers;
  if (kindOf(engineOf(workers)) === 'cuda') return undefined;
  if (engine !== 'cpu' && engine !== 'auto') return `workers.engine is ${JSON.stringify(engine)}`;
  return processors < 2 ? 'one processor' : undefined;
}

/** Whether rounds of the whole model would take too long. */
export function isLarge({ model }: Config): boolean {
  const files = readdirSync(model).filter((name) => name.endsWith('.safetensors'));
  return files.reduce((sum, name) => sum + statSync(join(model, name)).size, 0) > LARGE_BYTES;
}
