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
import {
  attachedInputs,
  attachExternals,
  externalsOf,
  fedInputs,
  heldTwice,
  uploadStored,
  type Externals,
} from './attached.ts';
import { keptBeside, ProgramCache, type Held } from './cache.ts';
import { checkFeeds } from './feeds.ts';
import { readsOf, type Graph } from '../compile/graph.ts';
import { peakBytes } from '../compile/liveness.ts';
import { encodeModel } from '../compile/onnx.ts';
import { providerOf } from './kernels.ts';
import { Narrowing } from './narrowing.ts';
import { sessionOptions, type OrtProvider, type Setting } from './session.ts';
import { allocate, OrtResident, toHost, toOrt, wrap } from './ort-tensor.ts';
import { trace } from '../compile/trace.ts';

const DEFAULT_CACHE = 32;
/**
 * A session on `cpu` maps each attached tensor separately, and Linux allows a process 65,530 maps: the programs of an
 * engine take at most a quarter.
 */
const MOST_MAPS = 16_384;
/**
 * Each session on a GPU has its own copy of the attached tensors, as onnxruntime-node gives it no other's, and keeps the
 * working memory of its largest run: beyond the largest program, those of an engine hold at most this many bytes, or
 * `copiesBytes`. Small models keep their programs; a large one keeps as many as there is room for.
 */
const LEAST_COPIES = 1e9;

export class OrtEngine implements Engine {
  readonly name: OrtProvider;
  #setting: Setting;
  #programs: ProgramCache;
  /** Copies between host and device are programs too, one for each dtype and shape; all these small sessions stay. */
  readonly #transfers = new ProgramCache(Infinity);

  /** @param device number of the GPU, for `cuda` */
  constructor(name: OrtProvider, options: EngineOptions, device?: number) {
    this.name = name;
    const { compute = 'f32' } = options;
    const execution = providerOf(name, device);
    const isNarrow = compute !== 'f32' && name !== 'webgpu';
    this.#setting = {
      provider: name,
      execution,
      options,
      ...(isNarrow && { narrowing: new Narrowing(name, execution, compute) }),
    };
    this.#programs = new ProgramCache(options.cachePrograms ?? DEFAULT_CACHE, this.#excess());
  }

  compile(spec: ProgramSpec): Promise<Program> {
    return this.#programs.get(spec, (onDispose) => OrtProgram.create(spec, this.#setting, onDispose));
  }

  async attach(stored: StoredWeights): Promise<void> {
    const { provider, options, narrowing } = this.#setting;
    if (provider === 'webgpu') {
      this.#setting = { ...this.#setting, resident: await uploadStored(this, stored) };
      return;
    }
    const type = (await narrowing?.storedType()) ?? 'F32';
    const externals = externalsOf(await storedAs(stored, type));
    this.#setting = { ...this.#setting, externals };
    const limit = Math.floor(MOST_MAPS / Math.max(1, Object.keys(stored).length));
    await this.#programs.clear();
    this.#programs = new ProgramCache(
      Math.max(1, Math.min(options.cachePrograms ?? DEFAULT_CACHE, limit)),
      this.#excess(externals),
    );
  }

  /** What the programs take beyond the largest, less what they may. */
  #excess(externals?: Externals): (held: readonly Held[]) => number {
    const { provider, options } = this.#setting;
    if (provider !== 'cuda') return (held) => keptBeside(held) - (options.copiesBytes ?? Infinity);
    const copies = Math.max(LEAST_COPIES, options.copiesBytes ?? 0);
    return (held) => (externals ? heldTwice(externals, held) : 0) + keptBeside(held) - copies;
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
    const { provider, execution, options } = this.#setting;
    const program = await this.#transfers.get(spec, (onDispose) =>
      OrtProgram.create(spec, { provider, execution, options }, onDispose),
    );
    return (await program.run({ from: tensor }))['to']!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.clear();
    await this.#transfers.clear();
    for (const tensor of Object.values(this.#setting.resident ?? {})) tensor.release();
  }
}

class OrtProgram implements Program {
  readonly name: string;
  readonly inputs: Specs;
  readonly outputs: Specs;
  readonly keptBytes: number;
  readonly #spec: ProgramSpec;
  readonly #provider: OrtProvider;
  readonly #onDispose: () => void;
  readonly #attached: ResidentTensors;
  readonly #aliased: ReadonlyMap<string, string>;
  #session: ort.InferenceSession | undefined;

  private constructor(
    spec: ProgramSpec,
    graph: Graph,
    { provider, externals, resident = {}, options }: Setting,
    session: ort.InferenceSession,
    onDispose: () => void,
  ) {
    this.name = spec.name;
    this.inputs = fedInputs(spec.inputs, externals?.tensors ?? resident);
    this.#attached = attachedInputs(spec.inputs, resident);
    this.outputs = Object.fromEntries(graph.outputs.map(({ name, dtype, shape }) => [name, { dtype, shape }])) as Specs;
    this.keptBytes = provider === 'cuda' || options.keepMemory !== false ? peakBytes(graph) : 0;
    this.#spec = spec;
    this.#provider = provider;
    this.#aliased = provider === 'webgpu' ? new Map() : aliasable(graph, spec.inPlace ?? {});
    this.#session = session;
    this.#onDispose = onDispose;
  }

  static async create(spec: ProgramSpec, setting: Setting, onDispose: () => void): Promise<OrtProgram> {
    const traced = trace(spec);
    if (setting.externals) attachExternals(traced, setting.externals);
    const graph = (await setting.narrowing?.rewritten(traced)) ?? traced;
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
