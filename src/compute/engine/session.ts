/** The settings that all sessions of an engine share. */
import type * as ort from 'onnxruntime-node';
import type { Graph } from '../compile/graph.ts';
import type { Externals } from './attached.ts';
import type { EngineOptions, ProgramSpec, ResidentTensors } from './engine.ts';
import type { Provider } from './kernels.ts';
import type { Narrowing } from './narrowing.ts';

export type OrtProvider = 'cpu' | 'webgpu' | 'cuda';

/** The options of an engine's programs. */
export interface Setting {
  readonly provider: OrtProvider;
  readonly execution: Provider;
  readonly options: EngineOptions;
  /** Frozen parameters in files, for `cpu` and `cuda`. */
  readonly externals?: Externals;
  /** Frozen parameters on the device, for `webgpu`. */
  readonly resident?: ResidentTensors;
  /** Rewrites graphs to compute in 16 bits. */
  readonly narrowing?: Narrowing;
}

/** Options of a session. A resident output stays in a GPU buffer where there is one. */
export function sessionOptions(
  spec: ProgramSpec,
  graph: Graph,
  { provider, execution, options, externals }: Setting,
): ort.InferenceSession.SessionOptions {
  const resident = new Set([...(spec.resident ?? []), ...Object.keys(spec.inPlace ?? {})]);
  const locations = graph.outputs.map(({ name }) => [name, resident.has(name) ? 'gpu-buffer' : 'cpu'] as const);
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [execution, 'cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    enableCpuMemArena: options.keepMemory ?? true,
    // A pattern is one more block in addition to what the first run took: 1.0 GB against 0.6 for a learner step of 16 groups.
    // No speed-up has been measured.
    enableMemPattern: false,
    extra: {
      session: {
        // Moments and gradients decay into denormals, which are many times slower to compute with.
        set_denormal_as_zero: '1',
        ...(externals && {
          model_external_initializers_file_folder_path: externals.folder,
          // Prepacking copies the weights for each session.
          disable_prepacking: '1',
        }),
      },
    },
    ...(provider === 'webgpu' && { preferredOutputLocation: Object.fromEntries(locations) }),
  };
}
