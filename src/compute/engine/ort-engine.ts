/** The compiled engines: traced programs run by ONNX Runtime on its CPU, WebGPU or CUDA provider. */
import { inNative } from './native.ts';
import './no-telemetry.ts';
import './preload-runtime.ts';
import * as ort from 'onnxruntime-node';
import type { HostTensor } from '../../protocol/tensor.ts';
import type {
  Engine,
  EngineOptions,
  Feed,
  Fetched,
  Program,
  ProgramSpec,
  ResidentTensor,
  ResidentTensors,
  Specs,
} from './engine.ts';
import type { StoredWeights } from '../hf/stored.ts';
import { storedAs } from '../hf/weight-cache.ts';
import { attachedInputs, attachExternals, externalsOf, fedInputs, uploadStored, type Externals } from './attached.ts';
import { ProgramCache } from './cache.ts';
import { checkFeeds } from './feeds.ts';
import { readsOf, type Graph } from '../compile/graph.ts';
import { encodeModel } from '../compile/onnx.ts';
import { allocate, OrtResident, toHost, toOrt, wrap } from './ort-tensor.ts';
import { trace } from '../compile/trace.ts';

export type OrtProvider = 'cpu' | 'webgpu' | 'cuda';

const DEFAULT_CACHE = 32;
/**
 * A session on `cpu` maps each attached tensor separately, and Linux allows a process 65,530 maps: the programs of an
 * engine take at most a quarter.
 */
const MOST_MAPS = 16_384;

/** The options of an engine's programs. */
interface Setting {
  readonly provider: OrtProvider;
  readonly options: EngineOptions;
  /** Frozen parameters in files, for `cpu` and `cuda`. */
  readonly externals?: Externals;
  /** Frozen parameters on the device, for `webgpu`. */
  readonly resident?: ResidentTensors;
}

export class OrtEngine implements Engine {
  readonly name: OrtProvider;
  #setting: Setting;
  #programs: ProgramCache;
  /** Copies between host and device are programs too, one for each dtype and shape; all these small sessions stay. */
  readonly #transfers = new ProgramCache(Infinity);

  constructor(name: OrtProvider, options: EngineOptions) {
    this.name = name;
    this.#setting = { provider: name, options };
    this.#programs = new ProgramCache(options.cachePrograms ?? DEFAULT_CACHE);
  }

  compile(spec: ProgramSpec): Promise<Program> {
    return this.#programs.get(spec, (onDispose) => OrtProgram.create(spec, this.#setting, onDispose));
  }

  async attach(stored: StoredWeights): Promise<void> {
    const { provider, options } = this.#setting;
    if (provider === 'webgpu') {
      this.#setting = { provider, options, resident: await uploadStored(this, stored) };
      return;
    }
    this.#setting = { provider, options, externals: externalsOf(await storedAs(stored, 'F32')) };
    const limit = Math.floor(MOST_MAPS / Math.max(1, Object.keys(stored).length));
    await this.#programs.clear();
    this.#programs = new ProgramCache(Math.max(1, Math.min(options.cachePrograms ?? DEFAULT_CACHE, limit)));
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
    const { provider, options } = this.#setting;
    const program = await this.#transfers.get(spec, (onDispose) =>
      OrtProgram.create(spec, { provider, options }, onDispose),
    );
    return (await program.run({ from: tensor }))['to']!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.clear();
    await this.#transfers.clear();
    for (const tensor of Object.values(this.#setting.resident ?? {})) tensor.release();
  }
}

/** Options of a session. A resident output stays in a GPU buffer where there is one. */
function sessionOptions(
  spec: ProgramSpec,
  graph: Graph,
  { provider, options, externals }: Setting,
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

class OrtProgram implements Program {
  readonly name: string;
  readonly inputs: Specs;
  readonly outputs: Specs;
  readonly #spec: ProgramSpec;
  readonly #provider: OrtProvider;
  readonly #onDispose: () => void;
  readonly #attached: ResidentTensors;
  readonly #aliased: ReadonlyMap<string, string>;
  #session: ort.InferenceSession | undefined;

  private constructor(
    spec: ProgramSpec,
    graph: Graph,
    { provider, externals, resident = {} }: Setting,
    session: ort.InferenceSession,
    onDispose: () => void,
  ) {
    this.name = spec.name;
    this.inputs = fedInputs(spec.inputs, externals?.tensors ?? resident);
    this.#attached = attachedInputs(spec.inputs, resident);
    this.outputs = Object.fromEntries(graph.outputs.map(({ name, dtype, shape }) => [name, { dtype, shape }])) as Specs;
    this.#spec = spec;
    this.#provider = provider;
    this.#aliased = provider === 'webgpu' ? new Map() : aliasable(graph, spec.inPlace ?? {});
    this.#session = session;
    this.#onDispose = onDispose;
  }

  static async create(spec: ProgramSpec, setting: Setting, onDispose: () => void): Promise<OrtProgram> {
    const graph = trace(spec);
    if (setting.externals) attachExternals(graph, setting.externals);
    const session = await inNative(() =>
      ort.InferenceSession.create(encodeModel(graph, spec.name), sessionOptions(spec, graph, setting)),
    );
    return new OrtProgram(spec, graph, setting, session, onDispose);
  }

  async run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Fetched>> {
    if (!this.#session) throw new RangeError(`program ${this.name} was disposed; ask the engine to compile it again`);
    checkFeeds(this.name, this.inputs, feeds);
    const all = Object.entries({ ...this.#attached, ...feeds });
    const fed = Object.fromEntries(all.map(([name, feed]) => [name, toOrt(feed)]));
    const session = this.#session;
    const results = await inNative(() => session.run(fed, this.#fetches(fed)));
    return Object.fromEntries(
      Object.keys(this.outputs).map((name) => [name, this.#fetched(name, results[name]!, feeds, fed)]),
    );
  }

  /** ONNX Runtime writes host outputs straight into their arrays, and aliased outputs into the feed's buffer. */
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

/** Copies the value of `written` to `feed`, unless they share a buffer already. */
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
 * The in-place outputs that can share the input's buffer while the graph runs: the outputs of GroupQueryAttention whose
 * input has no other reader. That operator writes the new token's slots only. Any other operator might overwrite what a
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
