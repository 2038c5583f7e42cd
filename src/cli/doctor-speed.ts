/** `quorum doctor` measures how many CPU threads a sampler should have for this model on this machine. */
import { availableParallelism } from 'node:os';
import type { Config } from '../config/schema.ts';
import { InputError } from '../protocol/errors.ts';
import { fastest, rolloutSpeeds, whyUnmeasured, type RolloutSpeed } from './rollout-speed.ts';

const QUESTIONS = 16;
const ROUNDS = 5;

export type SpeedDiagnosis =
  | { readonly speeds: readonly RolloutSpeed[]; readonly rolloutThreads: number }
  | { readonly notMeasured: string };

export async function measureSpeed(config: Config): Promise<SpeedDiagnosis> {
  const processors = availableParallelism();
  try {
    const notMeasured = whyUnmeasured(config, processors);
    if (notMeasured !== undefined) return { notMeasured };
    const threads = [...new Set([1, 2, processors])];
    const speeds = await rolloutSpeeds(config, { threads, questions: QUESTIONS, rounds: ROUNDS });
    return { speeds, rolloutThreads: fastest(speeds).threads };
  } catch (error) {
    return { notMeasured: error instanceof InputError ? error.message : String(error) };
  }
}

/** The diagnosis in one line. */
export function speedWords(diagnosis: SpeedDiagnosis, { workers: { rolloutThreads } }: Config): string {
  if ('notMeasured' in diagnosis) return `not measured: ${diagnosis.notMeasured}`;
  const rates = diagnosis.speeds.map(({ threads, tokensPerSecond, ratio }) => {
    const rate = `${Math.round(tokensPerSecond).toLocaleString('en-US')} tokens/s with ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return threads === 1 ? rate : `${rate} (${ratio.toFixed(2)} times)`;
  });
  const best = diagnosis.rolloutThreads;
  const advice =
    best === rolloutThreads
      ? `workers.rolloutThreads ${best} is right`
      : `set workers.rolloutThreads=${best} (now ${rolloutThreads})`;
  return `${rates.join(', ')}: ${advice}; more processors are used by workers.rolloutWorkers`;
}
