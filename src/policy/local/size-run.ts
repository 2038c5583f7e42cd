/** Works out before a model is loaded whether its run fits into the memory that is free, and sizes the rollouts. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { freeOnGpu } from '../../compute/engine/cuda-device.ts';
import { kindOf } from '../../compute/engine/engine.ts';
import { loadArchitecture } from '../../compute/models/folder.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { freeMemory } from '../../lib/free-memory.ts';
import { gigabytes } from '../../lib/free-space.ts';
import { threadEntry } from '../../lib/thread-entry.ts';
import { threadEnvironment } from '../../lib/thread-environment.ts';
import { fromErrorData } from '../../protocol/errors.ts';
import type { Question } from '../../protocol/messages.ts';
import { sizeOf } from '../../protocol/tensor.ts';
import type { Fit, Free } from './fit.ts';
import type { FitReply, FitRequest } from './fit-thread.ts';
import { devicesOf, threadsOnGpus } from './devices.ts';
import type { Needs } from './memory.ts';
import { rolloutRowsOf, type PolicyConfig } from './open.ts';

/** A run whose weights fit this often into the free memory is not worked out: loading TF.js would take longer. */
const AMPLE = 1_000;
/** Share of what the run leaves free that further programs may take. */
const COPIES = 0.5;

/** Settings that fit the run into memory. */
export interface SizedRun {
  readonly rolloutRows: number;
  readonly passTokens: number | 'auto';
  /** Null where the run was not worked out, or the driver of its GPU does not say what is free. */
  readonly copiesGigabytes: number | null;
  /** For the user. */
  readonly notes: readonly string[];
}

/**
 * @param questions of the run: the longest of them counts. @throws InputError when the run does not fit, with what
 * would; TimeoutError; CancelledError.
 */
export async function sizeRun(
  config: PolicyConfig,
  questions: readonly Question[],
  signal?: AbortSignal,
): Promise<SizedRun> {
  const { passTokens } = config.learner;
  const { memoryGigabytes, copiesGigabytes } = config.workers;
  const rolloutRows = rolloutRowsOf(config);
  const free = await takableBytes(config);
  const { parameters } = await loadArchitecture(config.model);
  const weights = Object.values(parameters).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const isAmple = memoryGigabytes === null && Object.values(free).every((bytes = Infinity) => AMPLE * weights <= bytes);
  if (isAmple) return { rolloutRows, passTokens, copiesGigabytes, notes: [] };
  const found = await withDeadline('working out the memory of the run', config.timeouts.openSeconds, signal, (ending) =>
    fitInThread({ config: plain(config), questions, free }, ending),
  );
  return {
    rolloutRows: found.rows,
    passTokens: found.passTokens,
    copiesGigabytes: copiesGigabytes ?? copiesOf(config, found, free),
    notes: [...sizeNotes(config, found), ...placeNotes(found, free)],
  };
}

async function takableBytes({ workers }: PolicyConfig): Promise<Free> {
  const most = workers.memoryGigabytes === null ? undefined : 1e9 * workers.memoryGigabytes;
  const gpus = [...threadsOnGpus(devicesOf(workers)).keys()];
  if (gpus.length === 0) return { host: most ?? freeMemory() };
  const known = await Promise.all(gpus.map(async (gpu) => [gpu, most ?? (await freeOnGpu(gpu))] as const));
  return { host: freeMemory(), ...Object.fromEntries(known.filter(([, bytes]) => bytes !== undefined)) };
}

/** For each thread that keeps programs: its part of what is left in its place. */
function copiesOf({ workers }: PolicyConfig, { needs }: Fit, free: Free): number | null {
  const devices = devicesOf(workers);
  const gpus = threadsOnGpus(devices);
  // On the processor samplers keep no working memory.
  const onHost = devices.learner.filter((name) => kindOf(name) !== 'cuda').length;
  const left = needs.flatMap(({ place, needed, mapped }) => {
    const { learners, samplers } = place === 'host' ? { learners: onHost, samplers: 0 } : gpus.get(place)!;
    const room = free[place];
    if (room === undefined || learners + samplers === 0) return [];
    return [(COPIES * Math.max(0, room - needed - mapped)) / (learners + samplers) / 1e9];
  });
  return left.length === 0 ? null : Math.min(...left);
}

function sizeNotes(config: PolicyConfig, { rows, passTokens, needs }: Fit): string[] {
  const wanted = rolloutRowsOf(config);
  const takes = `the run takes about ${needs.map(takesWords).join(' and ')}`;
  return [
    ...(rows < wanted ? [`a sampler decodes ${rows} responses at once, not ${wanted}: ${takes}`] : []),
    ...(passTokens === config.learner.passTokens
      ? []
      : [`the learner takes at most ${passTokens} tokens at once (\`learner.passTokens\`): ${takes}`]),
  ];
}

const takesWords = ({ place, needed }: Needs): string =>
  `${gigabytes(needed)} ${place === 'host' ? 'of memory' : `of ${place}`}`;

function placeNotes({ needs }: Fit, free: Free): string[] {
  return needs.flatMap(({ place, needed, mapped }) => {
    const room = free[place] ?? Infinity;
    if (needed + mapped <= room) return [];
    return [
      `the model's weights take ${gigabytes(mapped)}, and the run leaves ${gigabytes(Math.max(0, room - needed))} of memory for them: they are read from the disk again and again, which is slow`,
    ];
  });
}

/** What a thread may receive: plug-ins may be functions. */
function plain(config: PolicyConfig): PolicyConfig {
  const { model, runFolder, pictures, promptTemplate, prompt, seed, workers, learner, sampling, loop, timeouts } =
    config;
  return { model, runFolder, pictures, promptTemplate, prompt, seed, workers, learner, sampling, loop, timeouts };
}

async function fitInThread(request: FitRequest, signal: AbortSignal): Promise<Fit> {
  const { filename, execArgv } = threadEntry('./fit-thread', import.meta.url);
  const thread = new Worker(new URL(filename), { workerData: request, env: threadEnvironment(), execArgv });
  try {
    const [reply] = (await once(thread, 'message', { signal })) as [FitReply];
    if ('error' in reply) throw fromErrorData(reply.error);
    return reply.fit;
  } finally {
    await thread.terminate();
  }
}
