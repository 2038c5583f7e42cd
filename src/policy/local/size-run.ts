/** Works out before a model is loaded whether its run fits into the memory that is free, and sizes the rollouts. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { cudaDeviceOf } from '../../compute/engine/cuda-device.ts';
import { kindOf } from '../../compute/engine/engine.ts';
import { loadArchitecture } from '../../compute/models/folder.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { freeMemory } from '../../lib/free-memory.ts';
import { gigabytes } from '../../lib/free-space.ts';
import { nvidiaSmi } from '../../lib/nvidia-smi.ts';
import { threadEntry } from '../../lib/thread-entry.ts';
import { threadEnvironment } from '../../lib/thread-environment.ts';
import { fromErrorData } from '../../protocol/errors.ts';
import type { Question } from '../../protocol/messages.ts';
import { sizeOf } from '../../protocol/tensor.ts';
import type { Fit } from './fit.ts';
import type { FitReply, FitRequest } from './fit-thread.ts';
import { devicesOf } from './devices.ts';
import { rolloutRowsOf, type PolicyConfig } from './open.ts';

/** A run whose weights fit this often into the free memory is not worked out: loading TF.js would take longer. */
const AMPLE = 1_000;
const MEBIBYTE = 2 ** 20;

export interface SizedRun {
  /** `workers.rolloutRows`. */
  readonly rows: number;
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
  const rows = rolloutRowsOf(config);
  const free = await takableBytes(config);
  const { parameters } = await loadArchitecture(config.model);
  const weights = Object.values(parameters).reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const isAmple = config.workers.memoryGigabytes === null && AMPLE * weights <= (free ?? 0);
  if (free === undefined || isAmple) return { rows, notes: [] };
  const found = await withDeadline('working out the memory of the run', config.timeouts.openSeconds, signal, (ending) =>
    fitInThread({ config: plain(config), questions, free }, ending),
  );
  return { rows: found.rows, notes: notesOf(found, rows, free) };
}

/** Bytes that the run may take; undefined where no driver says. */
async function takableBytes({ workers }: PolicyConfig): Promise<number | undefined> {
  if (workers.memoryGigabytes !== null) return 1e9 * workers.memoryGigabytes;
  const engine = devicesOf(workers).learner[0]!;
  if (kindOf(engine) !== 'cuda') return freeMemory();
  const gpus = await nvidiaSmi(['memory.free']).catch(() => []);
  const gpu = gpus[cudaDeviceOf(engine) ?? 0];
  return gpu && MEBIBYTE * Number(gpu[0]);
}

function notesOf({ rows, needed, mapped }: Fit, wanted: number, free: number): string[] {
  return [
    ...(rows < wanted
      ? [
          `a sampler decodes ${rows} responses at once, not ${wanted}: the run takes about ${gigabytes(needed)} of ${gigabytes(free)}`,
        ]
      : []),
    ...(needed + mapped > free
      ? [
          `the model's weights take ${gigabytes(mapped)}, and the run leaves ${gigabytes(Math.max(0, free - needed))} of memory for them: they are read from the disk again and again, which is slow`,
        ]
      : []),
  ];
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
