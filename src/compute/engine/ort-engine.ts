/** The compiled engines: traced programs run by ONNX Runtime on its CPU, WebGPU or CUDA provider. */
import { inNative } from './native.ts';
import './no-telemetry.ts';
import './preload-runtime.ts';
import * as ort from 'onnxruntime-node';
import type { HostTensor } from '../../protocol/tensor.ts';
import type { Engine, EngineOptions, Feed, Fetched, Program, ProgramSpec, ResidentTensor, Specs } from './engine.ts';
import { ProgramCache } from './cache.ts';
import { checkFeeds } from './feeds.ts';
import { readsOf, type Graph } from '../compile/graph.ts';
import { encodeModel } from '../compile/onnx.ts';
import { allocate, OrtResident, toHost, toOrt, wrap } from './ort-tensor.ts';
import { trace } from '../compile/trace.ts';

export type OrtProvider = 'cpu' | 'webgpu' | 'cuda';

const DEFAULT_CACHE = 32;

export class OrtEngine implements Engine {
  readonly name: OrtProvider;
  readonly #options: EngineOptions;
  readonly #programs: ProgramCache;
  /** Copies between host and device are programs too, one for each dtype and shape; sessions that small are kept. */
  readonly #transfers = new ProgramCache(Infinity);

  constructor(name: OrtProvider, options: EngineOptions) {
    this.name = name;
    this.#options = options;
    this.#programs = new ProgramCache(options.cachePrograms ?? DEFAULT_CACHE);
  }

  compile(spec: ProgramSpec): Promise<Program> {
    return this.#programs.get(spec, (onDispose) => OrtProgram.create(spec, this.name, this.#options, onDispose));
  }

  async upload(tensor: HostTensor): Promise<ResidentTensor> {
    if (this.name !== 'webgpu') return new OrtResident(tensor, wrap(tensor));
    return (await this.#transfer(tensor, true)) as ResidentTensor;
  }

  /** `getData` of a GPU tensor aborts the process (native throw); a program with its output on the host does not. */
  async read(tensor: Fetched): Promise<HostTensor> {
    if (!('resident' in tensor)) return tensor;
    const value = toOrt(tensor);
    if (value.location === 'cpu') return toHost(value);
    return (await this.#transfer(tensor, false)) as HostTensor;
  }

  async #transfer(tensor: Feed, toDevice: boolean): Promise<Fetched> {
    const { dtype, shape } = tensor;
    const spec: ProgramSpec = {
      name: toDevice ? 'upload' : 'read',
      inputs: { from: { dtype, shape } },
      build: (inputs) => ({ to: inputs['from']! }),
      resident: toDevice ? ['to'] : [],
    };
    const program = await this.#transfers.get(spec, (onDispose) =>
      OrtProgram.create(spec, this.name, this.#options, onDispose),
    );
    return (await program.run({ from: tensor }))['to']!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.clear();
    await this.#transfers.clear();
  }
}

/** Options of a session. A resident output stays in a GPU buffer where there is one. */
function sessionOptions(
  spec: ProgramSpec,
  graph: Graph,
  provider: OrtProvider,
  options: EngineOptions,
): ort.InferenceSession.SessionOptions {
  const resident = new Set([...(spec.resident ?? []), ...Object.keys(spec.inPlace ?? {})]);
  const locations = graph.outputs.map(({ name }) => [name, resident.has(name) ? 'gpu-buffer' : 'cpu'] as const);
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    enableCpuMemArena: options.keepMemory ?? true,
    // A pattern is one more block in addition to what the first run took: 1.0 GB against 0.6 for a learner step of 16 groups.
    // No speed-up has been measured.
    enableMemPattern: false,
    // Moments and gradients decay into denormals, which are many times slower to compute with.
    extra: { session: { set_denormal_as_zero: '1' } },
    ...(provider === 'webgpu' && { preferredOutputLocation: Object.fromEntries(locations) }),
  };
}

class OrtProgram implements Program {
  readonly name: string;
  readonly inputs: Specs;
  readonly outputs: Specs;
  readonly #spec: ProgramSpec;
  readonly #provider: OrtProvider;
  readonly #onDispose: () => void;
  readonly #aliased: ReadonlyMap<string, string>;
  #session: ort.InferenceSession | undefined;

  private constructor(
    spec: ProgramSpec,
    graph: Graph,
    provider: OrtProvider,
    session: ort.InferenceSession,
    onDispose: () => void,
  ) {
    this.name = spec.name;
    this.inputs = spec.inputs;
    this.outputs = Object.fromEntries(graph.outputs.map(({ name, dtype, shape }) => [name, { dtype, shape }])) as Specs;
    this.#spec = spec;
    this.#provider = provider;
    this.#aliased = provider === 'webgpu' ? new Map() : aliasable(graph, spec.inPlace ?? {});
    this.#session = session;
    this.#onDispose = onDispose;
  }

  static async create(
    spec: ProgramSpec,
    provider: OrtProvider,
    options: EngineOptions,
    onDispose: () => void,
  ): Promise<OrtProgram> {
    const graph = trace(spec);
    const session = await inNative(() =>
      ort.InferenceSession.create(encodeModel(graph, spec.name), sessionOptions(spec, graph, provider, options)),
    );
    return new OrtProgram(spec, graph, provider, session, onDispose);
  }

  async run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Fetched>> {
    if (!this.#session) throw new RangeError(`program ${this.name} was disposed; ask the engine to compile it again`);
    checkFeeds(this.name, this.inputs, feeds);
    const fed = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toOrt(feed)]));
    const session = this.#session;
    const results = await inNative(() => session.run(fed, this.#fetches(fed)));
    return Object.fromEntries(
      Object.keys(this.outputs).map((name) => [name, this.#fetched(name, results[name]!, feeds, fed)]),
    );
  }

  /** Host outputs are written straight into their arrays; aliased ones into the feed's buffer. */
  #fetches(fed: Readonly<Record<string, ort.Tensor>>): Record<string, ort.Tensor | null> {
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const [name, spec] of Object.entries(this.outputs)) {
      const alias = this.#aliased.get(name);
      if (alias) fetches[name] = fed[alias]!;
      else fetches[name] = this.#provider === 'webgpu' ? null : wrap({ ...spec, data: allocate(spec) });
    }
    return fetches;
  }

  #fetched(
    name: string,
    result: ort.Tensor,
    feeds: Readonly<Record<string, Feed>>,
    fed: Readonly<Record<string, ort.Tensor>>,
  ): Fetched {
    const target = this.#spec.inPlace?.[name];
    if (target !== undefined) {
      const written = this.#aliased.has(name) ? fed[target]! : result;
      assign(feeds[target]!, written, `program ${this.name}: input "${target}"`);
      return feeds[target]!;
    }
    if (this.#spec.resident?.includes(name)) return new OrtResident(this.outputs[name]!, result);
    return toHost(result);
  }

  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#onDispose();
    await session?.release();
  }
}

/** Makes `feed` hold the value of `written`, which may be its own buffer already. */
function assign(feed: Feed, written: ort.Tensor, where: string): void {
  if (feed instanceof OrtResident) {
    if (feed.tensor === written) return;
    if (written.location === 'gpu-buffer') feed.replace(written);
    else (feed.tensor.data as Float32Array).set(written.data as Float32Array);
  } else {
    if (written.location !== 'cpu')
      throw new TypeError(`${where} is updated in place on the device: upload it, do not feed a host tensor`);
    const { data } = feed as HostTensor;
    if (data !== written.data) data.set(written.data as Float32Array);
  }
}

/**
 * The in-place outputs whose buffer can be the input's own while the graph runs: those that GroupQueryAttention writes,
 * when nothing else reads the input. It writes the new token's slots only. Any other operator might overwrite what a
 * later node still reads. Not on WebGPU: onnxruntime-node takes no pre-allocated GPU buffer as an output, so there the
 * input's buffer is exchanged for the output's.
 */
function aliasable(graph: Graph, inPlace: Readonly<Record<string, string>>): Map<string, string> {
  const safe = Object.entries(inPlace).filter(([output, input]) => {
    const readers = graph.nodes.filter((node) => readsOf(node).includes(input));
    return readers.length === 1 && readers[0]!.op === 'GroupQueryAttention' && readers[0]!.outputs.includes(output);
  });
  return new Map(safe);
}
