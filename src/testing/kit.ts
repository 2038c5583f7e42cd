/**
 * One plug-in and its actors, without a daemon: loaded, supervised and checked by the daemon's own code, with time that
 * passes only when the test advances it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { withDeadline } from '../lib/deadline.ts';
import type { Handle } from '../../actors/handle.ts';
import { startSystem } from '../../actors/system.ts';
import { packagePath } from '../lib/package-path.ts';
import { configSchema, type Config, type ConfigInput } from '../config/schema.ts';
import { pluginFolder, servicesOf } from '../daemon/services.ts';
import { listDataset } from '../data/dataset.ts';
import { Grader } from '../learn/grader.ts';
import type { PluginDefinition } from '../plugin/define.ts';
import { bindPlugin, loadPlugin, type Plugin } from '../plugin/load.ts';
import { InputError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import type { Call as ActorCall } from '../protocol/performer.ts';
import type { PluginPort, PortState } from '../protocol/plugins.ts';
import type { ModelLimits, PortName, Ports, WeightsRef } from '../protocol/ports.ts';
import { shared, sharedController } from '../lib/shared-signal.ts';
import { CALLS } from './calls.ts';
import { VirtualClock } from './virtual-clock.ts';
import { recorded, type RequestOf } from './recorded.ts';
import { standIns, type Replies } from './stand-ins.ts';

export interface TestOptions {
  /** The plug-in's own, checked by its schema. */
  readonly options?: unknown;
  readonly seed?: number;
  /** What `context.questions` holds; default: the recorded ones. */
  readonly questions?: readonly Question[];
  /** Question id -> right answer. Without it the plug-in may not read labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The model's limits, to check replies of a sampler; default: those of the recorded run's model. */
  readonly limits?: ModelLimits;
  /**
   * Hugging Face folder for `context.tokenizer` and `context.prompt`; default: the bundled mini, whose messages were
   * recorded.
   */
  readonly model?: string;
  /** The reply of `context.weights`; absent: none, as a recorded run has no model in memory. */
  readonly weights?: (version: number) => Promise<WeightsRef>;
  /** What `context.next` does, by port; default: what was recorded, and the real vote. */
  readonly next?: Replies;
  /** In a worker thread; only for a plug-in that is named by its path. */
  readonly thread?: boolean;
  /**
   * In place of the run folder; default: a temporary one that `await using` deletes. Reuse it to test a restart of the
   * daemon.
   */
  readonly folder?: string;
  /** Deadlines and the restart budget, as in the configuration. */
  readonly config?: Pick<ConfigInput, 'timeouts' | 'supervision'>;
}

export type Reply<Name extends PortName> = Awaited<ReturnType<Ports[Name]>>;

/** `retry`: as the loop does it, the request is made again after each restart, until the actor is parked. */
export type Call<Name extends PortName> = (
  ...request: Name extends 'panel'
    ? [undefined?, { readonly retry?: boolean }?]
    : [RequestOf<Name>, { readonly retry?: boolean }?]
) => Promise<Reply<Name>>;

export interface Played<Name extends PortName> {
  readonly request: RequestOf<Name>;
  readonly reply: Reply<Name>;
}

export interface PluginKit extends AsyncDisposable {
  readonly name: string;
  /** Each call is one item of the port's actor: it has the deadline, and its reply is checked, as in the daemon. */
  readonly ports: { readonly [Name in PortName]: Call<Name> };
  /** Makes the recorded requests of a port, one after the other. */
  play<Name extends PortName>(port: Name): Promise<readonly Played<Name>[]>;
  /** Advances virtual time: deadlines expire, actors return from their back-off. */
  advance(milliseconds: number): Promise<void>;
  /** As `quorum plugins` shows it. */
  state(port: PortName): PluginPort;
  /** Lines that it printed with `tell`. */
  readonly told: readonly string[];
  /** Reasons of its requests to end the run. */
  readonly stops: readonly string[];
  /** Its own: `context.folder`. */
  readonly folder: string;
}

const PAIR_SECONDS = 5;

/**
 * @param plugin a definition, or the path or package that has it as its default export.
 * @throws InputError as the daemon would: not found, bad options, wrong API version; TimeoutError when its ports do not
 * open.
 */
export async function testPlugin<Options>(
  plugin: PluginDefinition<Options> | string,
  options: TestOptions = {},
): Promise<PluginKit> {
  const { thread, labels } = options;
  const use = { use: plugin, options: options.options, ...(thread && { thread }), labels: labels !== undefined };
  const loaded = await loadPlugin(use, process.cwd());
  const kit = new Kit(loaded, options, configSchema.parse(options.config ?? {}));
  try {
    return await kit.opened();
  } catch (error) {
    await kit[Symbol.asyncDispose]();
    throw error;
  }
}

class Kit implements PluginKit {
  readonly name: string;
  readonly folder: string;
  readonly told: string[] = [];
  readonly stops: string[] = [];
  readonly ports: PluginKit['ports'];
  readonly #runFolder: string;
  readonly #plugin: Plugin;
  readonly #options: TestOptions;
  readonly #config: Config;
  readonly #clock = new VirtualClock();
  readonly #grader = new Grader({ deadlineSeconds: PAIR_SECONDS });
  readonly #handles = new Map<PortName, Handle<never>>();
  readonly #life = sharedController();

  constructor(plugin: Plugin, options: TestOptions, config: Config) {
    this.name = plugin.name;
    this.#runFolder = resolve(options.folder ?? mkdtempSync(join(tmpdir(), 'quorum-plugin-')));
    this.folder = pluginFolder(this.#runFolder, plugin.name);
    this.#plugin = plugin;
    this.#options = options;
    this.#config = config;
    const call = (_: unknown, port: string) => (request: unknown, how?: { readonly retry?: boolean }) =>
      quiet(this.#call(port as PortName, request, how));
    this.ports = new Proxy({}, { get: call }) as PluginKit['ports'];
  }

  /** Resolves when each port was opened once, whether that worked or not. */
  async opened(): Promise<this> {
    const { supervision } = this.#config;
    const nothing = () => Promise.resolve();
    const started = startSystem(
      { members: [], budget: supervision, now: this.#clock.now, finish: nothing, save: nothing },
      this.#clock,
    );
    const services = await this.#services();
    const opened: Promise<void>[] = [];
    for (const port of Object.keys(this.#plugin.ports) as PortName[]) {
      let done: () => void = () => {};
      opened.push(new Promise<void>((resolve) => (done = resolve)));
      const open = async (opening: AbortSignal): Promise<unknown> => {
        try {
          const life = shared(AbortSignal.any([opening, this.#life.signal]));
          return await this.#plugin.ports[port]!(services(this.#plugin, port, life) as never);
        } finally {
          done();
        }
      };
      this.#handles.set(port, started.add({ role: port, id: `${port}-${this.name}`, open, optional: true }));
    }
    // In real time: the clock does not move yet.
    const { openSeconds } = this.#config.timeouts;
    await withDeadline(`plug-in ${this.name}: opening its ports`, openSeconds, this.#life.signal, () =>
      Promise.all(opened),
    );
    await this.advance(0);
    return this;
  }

  async #services(): Promise<ReturnType<typeof servicesOf>> {
    const { seed = 0, questions = recorded.questions, labels = {}, next = {} } = this.#options;
    return servicesOf({
      seed,
      runFolder: this.#runFolder,
      base: this.#runFolder,
      train: listDataset('test', questions),
      labels: { label: (id) => labels[id] },
      grader: this.#grader,
      builtIn: await bindPlugin(standIns(questions, this.#grader, next)),
      limits: this.#options.limits ?? recorded.limits,
      prompts: { folder: this.#options.model ?? packagePath('models/mini') },
      weights: this.#options.weights ?? noWeights,
      now: this.#clock.now,
      tell: (_, text) => this.told.push(text),
      stop: (_, reason) => this.stops.push(reason),
    });
  }

  async #call(port: PortName, request: unknown, { retry = false } = {}): Promise<unknown> {
    const handle = this.#handle(port);
    const { state, error } = this.state(port);
    if (state === 'restarting' && !retry)
      throw new Error(`${handle.id} waits before it is restarted (${error}): await kit.advance(milliseconds) first`);
    const call = CALLS[port](request as never, this.#config.timeouts) as ActorCall<never, unknown>;
    return handle.perform({ ...call, doing: 'answering', signal: this.#life.signal, once: !retry });
  }

  async play<Name extends PortName>(port: Name): Promise<readonly Played<Name>[]> {
    const played: Played<Name>[] = [];
    for (const request of recorded.requests[port] as readonly RequestOf<Name>[]) {
      played.push({ request, reply: (await this.#call(port, request)) as Reply<Name> });
    }
    return played;
  }

  advance(milliseconds: number): Promise<void> {
    return this.#clock.advance(milliseconds);
  }

  state(port: PortName): PluginPort {
    const { id, state, restarts, error } = this.#handle(port).status();
    const states: Partial<Record<typeof state, PortState>> = { parked: 'parked', waiting: 'restarting' };
    return { port, actor: id, state: states[state] ?? 'running', restarts, ...(error === undefined ? {} : { error }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.all([this.#plugin.close(), this.#grader[Symbol.asyncDispose]()]);
    if (this.#options.folder === undefined) rmSync(this.#runFolder, { recursive: true, force: true });
  }

  #handle(port: PortName): Handle<never> {
    const handle = this.#handles.get(port);
    if (handle) return handle;
    throw new InputError(`plug-in ${this.name} has no port "${port}"; it has ${[...this.#handles.keys()].join(', ')}`);
  }
}

async function noWeights(version: number): Promise<never> {
  throw new InputError(`the test has no weights of version ${version}: give testPlugin the option weights`);
}

/** A test may move the clock before it looks at what became of a call. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
