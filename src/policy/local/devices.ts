/** Chooses the device of each thread from `workers`. */
import { readdirSync } from 'node:fs';
import { cudaDeviceOf } from '../../compute/engine/cuda-device.ts';
import { kindOf, type Compute, type EngineName } from '../../compute/engine/engine.ts';
import type { Threads } from '../../compute/memory/places.ts';
import type { Config } from '../../config/schema.ts';
import { InputError } from '../../protocol/errors.ts';

/** Engines by the role of the threads, with the GPU in their names: `cuda:1`. */
export interface Devices {
  /** One for each sampler thread. */
  readonly rollout: readonly EngineName[];
  /** One for each learner thread; the threads divide the passes of a step. */
  readonly learner: readonly EngineName[];
}

/** Where a thread computes, and in which type. */
export interface Device {
  readonly engine: EngineName;
  readonly compute: Compute;
  /** See EngineOptions. */
  readonly copiesBytes?: number | undefined;
}

type Workers = Pick<Config['workers'], 'engine' | 'rolloutWorkers' | 'rollout' | 'learner'>;

/**
 * Returns the devices that are named, and chooses for `auto`: on `cuda` with several GPUs the learner has the last GPU
 * and the samplers the others, at least one thread on each; else both roles share the engine.
 */
export function devicesOf(workers: Workers, gpus = countGpus()): Devices {
  const engine = engineOf(workers);
  const [rollout, learner] = [named(workers.rollout), named(workers.learner)];
  if (engine !== 'cuda' || gpus < 2)
    return {
      rollout: rollout ?? Array.from({ length: workers.rolloutWorkers }, () => engine),
      learner: learner ?? [engine],
    };
  const all = Array.from({ length: gpus }, (_, i): EngineName => `cuda:${i}`);
  const learns = learner ?? [without(all, rollout).at(-1) ?? all.at(-1)!];
  const others = without(all, learns);
  const samples = others.length > 0 ? others : all;
  const length = Math.max(workers.rolloutWorkers, samples.length);
  return {
    rollout: rollout ?? Array.from({ length }, (_, i) => samples[i % samples.length]!),
    learner: learns,
  };
}

/** The devices in words, for `quorum doctor`. */
export function deviceWords({ rollout, learner }: Devices): string {
  const [samplers, learners] = [distinct(rollout), distinct(learner)];
  const isShared = samplers.some((name) => learners.includes(name));
  const threads = (count: number): string => (count === 1 ? '1 thread' : `${count} threads`);
  return `sampling with ${threads(rollout.length)} on ${samplers.join(', ')}, learning with ${threads(learner.length)} on ${learners.join(', ')}: ${isShared ? 'both roles share a device' : 'each role has its own devices'}`;
}

/** Where threads take memory from: this machine's, or that of a GPU, by its engine. */
export type Place = 'host' | `cuda:${string}`;

/** The GPUs that the devices name, and the threads that each has. */
export function threadsOnGpus({ rollout, learner }: Devices): ReadonlyMap<Exclude<Place, 'host'>, Threads> {
  const count = (devices: readonly EngineName[], name: EngineName): number =>
    devices.filter((each) => withGpu(each) === name).length;
  const gpus = distinct([...learner, ...rollout]).filter((name) => kindOf(name) === 'cuda');
  return new Map(
    gpus.map((name) => [name as `cuda:${string}`, { learners: count(learner, name), samplers: count(rollout, name) }]),
  );
}

/** The engine that `workers.engine` selects. @throws InputError for that of a server. */
export function engineOf({ engine }: Pick<Config['workers'], 'engine'>): EngineName {
  if (engine === 'tinker')
    throw new InputError(
      '`workers.engine` is "tinker", a server that only `quorum start` uses: to run the model on this machine, set "auto", "cpu" or "cuda"',
    );
  return engine === 'auto' ? 'cpu' : engine;
}

/** Number of the loop's samplers. */
export function lanesOf(workers: Workers): number {
  return workers.engine === 'tinker' ? workers.rolloutWorkers : devicesOf(workers).rollout.length;
}

/** The type in which `engine` computes. @throws InputError for 16 bits on an engine that has them not. */
export function computeOf({ compute }: Pick<Config['workers'], 'compute'>, engine: EngineName): Compute {
  const kind = kindOf(engine);
  if (compute === 'auto') return kind === 'cuda' ? 'bf16' : 'f32';
  if (compute !== 'f32' && kind !== 'cpu' && kind !== 'cuda')
    throw new InputError(
      `\`workers.compute\` is "${compute}", and \`workers.engine\` is "${engine}", which computes in f32 only: set "auto" or "f32", or the engine "cpu" or "cuda"`,
    );
  return compute;
}

/** Undefined for `auto`. */
function named(devices: Workers['rollout']): readonly EngineName[] | undefined {
  if (devices === 'auto') return undefined;
  return devices.map(withGpu);
}

/** `cuda` is the first GPU. */
function withGpu(name: EngineName): EngineName {
  return kindOf(name) === 'cuda' ? `cuda:${cudaDeviceOf(name) ?? 0}` : name;
}

function without(all: readonly EngineName[], taken: readonly EngineName[] = []): EngineName[] {
  return all.filter((name) => !taken.includes(name));
}

function distinct(devices: readonly EngineName[]): EngineName[] {
  return [...new Set(devices.map(withGpu))].toSorted();
}

/** GPUs that CUDA shows to this process. */
function countGpus(): number {
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  if (visible !== undefined)
    return visible.split(',').filter((name) => name.trim() !== '' && name.trim() !== '-1').length;
  try {
    return readdirSync('/proc/driver/nvidia/gpus').length;
  } catch {
    return 0;
  }
}
