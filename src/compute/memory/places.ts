/** Adds up what the threads of a run take in each place, from the tensors of one thread of each role. */
import type { ThreadMemory } from './estimate.ts';

/** Threads by their role. */
export interface Threads {
  readonly learners: number;
  readonly samplers: number;
}

/** Bytes that a run takes in one place, by part. */
export interface Parts {
  /** A Node process before it loads a model; 0 on a GPU. */
  readonly process: number;
  /** Weights that no step changes, once a thread; 0 in host memory, where they are mapped files. */
  readonly frozen: number;
  /** Weights that steps change, and the sums of their gradients. */
  readonly trainable: number;
  /** AdamW's two moments, and on a GPU all that its program takes. */
  readonly moments: number;
  /** Versions in host memory: of the learner, and those that samplers keep. */
  readonly versions: number;
  readonly activations: number;
  readonly pictures: number;
  readonly cache: number;
  readonly sampling: number;
}

/** Bytes of a Node process with TF.js and ONNX Runtime before it loads a model. */
const PROCESS_BYTES = 0.35e9;
/**
 * Bytes that ONNX Runtime takes on the CPU for each byte of a program's tensors; on a GPU it takes one. See
 * docs/measurements.md.
 */
const ALLOCATOR = 1.25;
/** Versions that a sampler keeps: the newest, the one in evaluation, the base. */
const SAMPLER_VERSIONS = 3;
/** In shared memory: the base, and weights and moments of the newest version and of the one before it. */
const SHARED_SETS = 8;

/**
 * What a run takes of host memory: all threads keep weights, moments, sums and versions there, on whatever device they
 * compute; those on the CPU also have their programs there. `mapped` are bytes of weights in files that the system may
 * drop and read again.
 */
export function hostMemory(
  memory: ThreadMemory,
  all: Threads,
  onCpu: Threads,
): { readonly parts: Parts; readonly mapped: number } {
  const { trainable, frozen } = memory;
  // Weights, sums of gradients, a copy while a version is made, and a slot for the sums that several threads exchange.
  const copies = all.learners > 1 ? 4 : 3;
  return {
    parts: {
      ...programs(memory, onCpu, ALLOCATOR),
      process: PROCESS_BYTES,
      frozen: 0,
      trainable: all.learners * copies * trainable,
      moments: all.learners * 4 * trainable,
      versions: (SHARED_SETS + all.samplers * SAMPLER_VERSIONS) * trainable,
    },
    mapped: onCpu.learners + onCpu.samplers > 0 ? frozen : 0,
  };
}

/**
 * What the threads on one GPU take of it. A run of a program copies what it is fed there: a pass the weights and the
 * sums, the optimizer's program these and both moments, a sampler's program the weights.
 */
export function deviceMemory(memory: ThreadMemory, { learners, samplers }: Threads): Parts {
  const { frozen, trainable, update } = memory;
  return {
    ...programs(memory, { learners, samplers }, 1),
    process: 0,
    frozen: (learners + samplers) * frozen,
    trainable: (2 * learners + samplers) * trainable,
    moments: learners * (4 * trainable + update),
    versions: 0,
  };
}

function programs(
  { activations, pictures, cache, sampling }: ThreadMemory,
  { learners, samplers }: Threads,
  allocator: number,
) {
  return {
    activations: learners * allocator * activations,
    pictures: learners * allocator * pictures,
    cache: samplers * cache,
    sampling: samplers * allocator * sampling,
  };
}

export const totalOf = (parts: Parts): number =>
  Object.values(parts).reduce((sum: number, size: number) => sum + size, 0);
