/**
 * An engine runs programs. A program is a TF.js function written once; the compiled engines (`cpu`, `webgpu`, `cuda`)
 * trace it on the symbolic backend to an ONNX graph for ONNX Runtime, the eager ones (`tensorflow`, `reference`) call
 * it on TF.js's own kernels. One program runs at a time in a thread (tf.tidy's scope stack is global).
 */
import type { HostTensor, TensorMap } from '../../protocol/tensor.ts';
import type { NarrowType } from '../compile/precision.ts';
import type { ProgramSpec, Specs, TensorSpec } from '../compile/program.ts';
import type { StoredWeights } from '../hf/stored.ts';

export type EngineKind = 'cpu' | 'webgpu' | 'cuda' | 'tensorflow' | 'reference';

/** `cuda:1` is the second GPU; `cuda` is the first. */
export type EngineName = EngineKind | `cuda:${string}`;

/** The name without the device. */
export const kindOf = (name: EngineName): EngineKind => name.split(':')[0] as EngineKind;

export type { ProgramSpec, Specs, TensorSpec };

/** A tensor that an engine keeps: host memory on `cpu`, a gpu-buffer on `webgpu`. Valid until `release`. */
export interface ResidentTensor extends TensorSpec {
  readonly resident: true;
  release(): void;
}

/** By name. */
export type ResidentTensors = Readonly<Record<string, ResidentTensor>>;

export type Feed = HostTensor | ResidentTensor;
export type Fetched = HostTensor | ResidentTensor;

export interface Program {
  readonly name: string;
  /** The specification's inputs without those attached to the engine; `run` takes these. */
  readonly inputs: Specs;
  readonly outputs: Specs;
  /** Bytes of tensors whose memory it keeps between its runs; absent: none. */
  readonly keptBytes?: number;
  /** Blocks this thread while it runs on `cpu`. Outputs are HostTensors except those named in `resident`. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Fetched>>;
  dispose(): Promise<void>;
}

export interface Engine extends AsyncDisposable {
  readonly name: EngineKind;
  /** Returns the cached program when name and specs match. Bounded: least recently used programs are disposed. */
  compile(spec: ProgramSpec): Promise<Program>;
  /**
   * Gives the engine its frozen parameters once, before it compiles a program: an input with the name and the shape of
   * a parameter is not fed. `cpu` and `cuda` take the bytes from the files, and on `cpu` all programs of all threads share
   * them; the other engines read them.
   */
  attach(stored: StoredWeights): Promise<void>;
  /** Puts a host tensor on the device once, so that it can be fed many times (weights). */
  upload(tensor: HostTensor): Promise<ResidentTensor>;
  /** Copies a resident tensor to host memory. */
  read(tensor: Fetched): Promise<HostTensor>;
}

/** The type in which programs compute; precision.ts says what stays float32 in 16 bits. */
export type Compute = 'f32' | 'f16' | 'bf16';

export const narrowTypeOf = (compute: Exclude<Compute, 'f32'>): NarrowType =>
  compute === 'f16' ? 'float16' : 'bfloat16';

export interface EngineOptions {
  readonly threads: number;
  /** Default `f32`. Only `cpu` and `cuda` compute in 16 bits. */
  readonly compute?: Compute;
  readonly cachePrograms?: number;
  /**
   * Bytes that programs may take beyond the largest: on `cuda` for further copies of attached weights and for working memory,
   * at least 1 GB, the default; on `cpu` for working memory, without a bound by default.
   */
  readonly copiesBytes?: number | undefined;
  /**
   * Whether a compiled program on the processor keeps its working memory between runs, which is faster (default). Each
   * program retains the memory of its largest run, within `copiesBytes`.
   */
  readonly keepMemory?: boolean;
}

export function specsOf(tensors: Readonly<Record<string, TensorSpec>>): Specs {
  return Object.fromEntries(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}

/** Puts host tensors on the device once, so that they can be fed many times. */
export async function uploadAll(engine: Engine, tensors: TensorMap): Promise<ResidentTensors> {
  const resident: Record<string, ResidentTensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) resident[name] = await engine.upload(tensor);
  return resident;
}
