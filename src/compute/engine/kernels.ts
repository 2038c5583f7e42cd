/**
 * Which kernels a provider of ONNX Runtime has. A session of one node says so; the answers of a version of the runtime
 * stay in a file of the cache folder.
 */
import { inNative } from './native.ts';
import './no-telemetry.ts';
import './preload-runtime.ts';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { cacheFolder } from '../../lib/cache-folder.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { Graph, type Constant, type OnnxType, type Value } from '../compile/graph.ts';
import { kernelKey, type Kernel } from '../compile/kernel.ts';
import { encodeModel } from '../compile/onnx.ts';

export type Provider = ort.InferenceSession.ExecutionProviderConfig;

/** @param device number of the GPU, for `cuda` */
export function providerOf(name: 'cpu' | 'webgpu' | 'cuda', device: number | undefined): Provider {
  return device === undefined ? name : { name: 'cuda', deviceId: device };
}

/** A provider must have it, or the provider does not work. */
const CONTROL: Kernel = {
  op: 'Add',
  domain: '',
  attrs: {},
  inputs: [0, 1].map((i) => ({ name: `${i}`, dtype: 'float32', shape: [2] })),
  outputs: [{ dtype: 'float32', shape: [2] }],
};

export class KernelTable {
  /** Version of ONNX Runtime. */
  readonly runtime = ort.env.versions.node!;
  readonly #provider: Provider;
  readonly #file: string;
  readonly #known: Map<string, boolean>;
  #isTried = false;

  /** @param name of the provider, `cpu` or `cuda` */
  constructor(name: string, provider: Provider) {
    this.#provider = provider;
    this.#file = join(cacheFolder('kernels'), `onnxruntime-${this.runtime}-${name}.json`);
    this.#known = new Map(readTable(this.#file));
  }

  /** Whether the provider has the kernel, which was looked up. */
  readonly has = (kernel: Kernel): boolean => this.#known.get(kernelKey(kernel)) ?? false;

  /** Tries those that are not known yet. @throws the runtime's error when the provider does not work */
  async lookUp(kernels: readonly Kernel[]): Promise<void> {
    const unknown = new Map(kernels.map((kernel) => [kernelKey(kernel), kernel]));
    for (const key of this.#known.keys()) unknown.delete(key);
    if (unknown.size === 0) return;
    if (!this.#isTried) await this.#session(CONTROL);
    this.#isTried = true;
    for (const [key, kernel] of unknown) this.#known.set(key, await this.#try(kernel));
    this.#write();
  }

  #write(): void {
    // Another thread may have added to the file.
    const all = new Map([...readTable(this.#file), ...this.#known]);
    const own = `${this.#file}.${process.pid}.${threadId}`;
    try {
      makeFolder(dirname(this.#file));
      writeFileSync(
        own,
        `${JSON.stringify(Object.fromEntries([...all].toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`,
      );
      renameSync(own, this.#file);
    } catch {
      // The next process looks up again.
      rmSync(own, { force: true });
    }
  }

  async #try(kernel: Kernel): Promise<boolean> {
    try {
      return await this.#session(kernel);
    } catch {
      return false;
    }
  }

  /** @returns whether the session computes the node as it is, without casts of its own */
  async #session(kernel: Kernel): Promise<boolean> {
    const folder = mkdtempSync(join(tmpdir(), 'quorum-kernel-'));
    const optimizedModelFilePath = join(folder, 'model.onnx');
    try {
      const session = await inNative(() =>
        ort.InferenceSession.create(encodeModel(graphOf(kernel), 'kernel'), {
          executionProviders: [this.#provider],
          graphOptimizationLevel: 'disabled',
          logSeverityLevel: 4,
          optimizedModelFilePath,
          // Else a provider hands what it lacks to the processor's.
          ...(this.#provider !== 'cpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
        }),
      );
      await session.release();
      return !existsSync(optimizedModelFilePath) || !hasOwnCasts(optimizedModelFilePath);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** On the processor the runtime itself casts around a node of float16 that has no kernel. */
function hasOwnCasts(file: string): boolean {
  return readFileSync(file, 'latin1').includes('InsertedPrecisionFreeCast');
}

function readTable(file: string): [string, boolean][] {
  try {
    return Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, boolean>);
  } catch {
    return [];
  }
}

/** The one node; onnxruntime-node takes and gives no bfloat16, so casts do. */
function graphOf({ op, domain, attrs, inputs, outputs }: Kernel): Graph {
  const graph = new Graph();
  const fed = (dtype: OnnxType): OnnxType => (dtype === 'bfloat16' ? 'float32' : dtype);
  const values = inputs.map((value, i): Value | undefined => {
    if (!value) return undefined;
    if ('data' in value) return graph.constant(value.dtype, value.shape, (value as Constant).data);
    return graph.cast(graph.input(`input${i}`, { dtype: fed(value.dtype), shape: value.shape }), value.dtype);
  });
  graph
    .append({ op, domain, attrs, inputs: values, outputs })
    .forEach((value, i) => graph.output(`output${i}`, graph.cast(value, fed(value.dtype))));
  return graph;
}
