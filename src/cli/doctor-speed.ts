/**
 * `quorum doctor` measures how fast the model is sampled on this machine: on the CPU with several numbers of threads, on
 * a GPU as it is set.
 */
import { availableParallelism } from 'node:os';
import { kindOf } from '../compute/engine/engine.ts';
import type { Config } from '../config/schema.ts';
import { engineOf } from '../policy/local/devices.ts';
import { InputError } from '../protocol/errors.ts';
import { slicedSpeeds, type SlicedSpeeds } from './model-slice.ts';
import {
  fastest,
  isLarge,
  rolloutSpeeds,
  whyUnmeasured,
  type RolloutSpeed,
  type SpeedRequest,
} from './rollout-speed.ts';

type Work = Omit<SpeedRequest, 'threads'>;

/** As a run of models/mini samples: enough rows and steps for a measurement. */
const SMALL: Work = { questions: 16, rounds: 5, responses: { samples: 10, maxNewTokens: 28 } };
/** Takes a minute or two for the few layers of a model of billions. */
const LARGE: Work = { questions: 1, rounds: 1, responses: { samples: 8, maxNewTokens: 8 } };
const GPU: Work = { questions: 8, rounds: 2, responses: { samples: 8, maxNewTokens: 64 } };

export type SpeedDiagnosis =
  | {
      readonly speeds: readonly RolloutSpeed[];
      readonly rolloutThreads: number;
      /** Responses that were sampled at once. */
      readonly rows: number;
      /** Present where few layers were measured, and the speed of the whole model is an estimate. */
      readonly slice?: Pick<SlicedSpeeds, 'layers' | 'of'>;
    }
  | { readonly notMeasured: string };

export async function measureSpeed(config: Config): Promise<SpeedDiagnosis> {
  const processors = availableParallelism();
  try {
    const notMeasured = whyUnmeasured(config, processors);
    if (notMeasured !== undefined) return { notMeasured };
    const onGpu = kindOf(engineOf(config.workers)) === 'cuda';
    const large = isLarge(config);
    const work = onGpu ? GPU : large ? LARGE : SMALL;
    const threads = onGpu ? [config.workers.rolloutThreads] : [...new Set([1, 2, processors])];
    const rows = work.questions * work.responses.samples;
    if (!large) {
      const speeds = await rolloutSpeeds(config, { ...work, threads });
      return { speeds, rolloutThreads: fastest(speeds).threads, rows };
    }
    const { speeds, ...slice } = await slicedSpeeds(config, { ...work, threads });
    return { speeds, rolloutThreads: fastest(speeds).threads, rows, slice };
  } catch (error) {
    return { notMeasured: error instanceof InputError ? error.message : String(error) };
  }
}

/** The diagnosis in one line. */
export function speedWords(diagnosis: SpeedDiagnosis, { workers: { rolloutThreads } }: Config): string {
  if ('notMeasured' in diagnosis) return `not measured: ${diagnosis.notMeasured}`;
  const { speeds, rows, slice, rolloutThreads: best } = diagnosis;
  const rates = speeds.map(({ threads, tokensPerSecond, ratio }) => {
    const shown =
      tokensPerSecond < 100 ? tokensPerSecond.toPrecision(2) : Math.round(tokensPerSecond).toLocaleString('en-US');
    const rate = `${shown} tokens/s with ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return threads === speeds[0]!.threads ? rate : `${rate} (${ratio.toFixed(2)} times)`;
  });
  const how = `${rows} responses at once${slice ? `; ${slice.layers.join(' and ')} of ${slice.of} layers were measured, and the others counted like them` : ''}`;
  const advice =
    best === rolloutThreads
      ? `workers.rolloutThreads ${best} is right`
      : `set workers.rolloutThreads=${best} (now ${rolloutThreads})`;
  const more = speeds.length > 1 ? `: ${advice}; more processors are used by workers.rolloutWorkers` : '';
  return `${rates.join(', ')} (${how})${more}`;
}
