/**
 * Gives servers the versions of the policy: an adapter each under a name of its own, several at a time; or, where the
 * run trains the whole model, the weights in the folder that the servers serve, one version at a time.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, type WeightsRef } from 'quorum';
import { addHead } from './head.ts';
import { loadAdapter, unloadAdapter, type AdapterPlace } from './adapters.ts';
import { reload } from './reload.ts';
import type { Server } from './servers.ts';
import { SetupError } from './setup-error.ts';

export interface VersionOptions {
  /** Name under which the servers have the base. */
  readonly model: string;
  /** Where adapters are written: a folder that the servers can read. */
  readonly folder: string;
  /** The same folder as the servers see it. */
  readonly serverFolder: string;
  /** The folder that the servers serve, for runs that train the whole model. */
  readonly modelFolder: string | undefined;
  /** How long a server may take until it has no request in hand. */
  readonly idleSeconds: number;
  /**
   * Called once for each process of a server, with its first adapter.
   * @throws SetupError when the server does not compute all of it.
   */
  readonly checkAdapter: (server: Server, adapter: AdapterPlace, signal: AbortSignal) => Promise<void>;
}

/** What to ask a server for. */
export interface Served {
  /** `model` of the request. */
  readonly model: string;
  /** Call it once when the request has ended. */
  readonly release: () => void;
}

/** What a server has, as far as this process knows. */
interface Holdings {
  /** `Server.breaks` when it got them: after another break it may be a new process. */
  readonly breaks: number;
  readonly adapters: Set<string>;
  /** Id of the weights that replaced those of the base. */
  weights?: string;
  isChecked?: boolean;
}

interface AdapterFolder {
  readonly name: string;
  inHand: number;
}

/** Adapters that stay although no request names them: a retried job may name an older version. */
const KEPT = 2;

export class ServedVersions {
  readonly #options: VersionOptions;
  readonly #holdings = new Map<Server, Holdings>();
  /** Adapters on the disk by the id of their weights, the one that was asked for last at the end. */
  readonly #adapters = new Map<string, Promise<AdapterFolder>>();
  /** Requests that a server answers with whole weights. */
  readonly #inHand = new Map<Server, number>();
  #drained: (() => void)[] = [];
  #kind: 'adapter' | 'model' | undefined;
  /** Id of the weights in `modelFolder`. */
  #inFolder: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: VersionOptions) {
    this.#options = options;
  }

  /** Makes the version ready on the server. @throws SetupError */
  async on(server: Server, ref: WeightsRef, signal: AbortSignal): Promise<Served> {
    return this.#inTurn(async () => {
      signal.throwIfAborted();
      if (this.#kind === 'model') return this.#whole(server, ref, signal);
      const adapter = await this.#adapter(ref);
      return adapter === undefined ? this.#whole(server, ref, signal) : this.#adapted(server, adapter, signal);
    });
  }

  /** To be called when the server says that it does not have a version. */
  forget(server: Server): void {
    this.#holdings.delete(server);
  }

  /** One change of the servers and of the disk at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #holdingsOf(server: Server): Holdings {
    const known = this.#holdings.get(server);
    if (known?.breaks === server.breaks) return known;
    const fresh: Holdings = { breaks: server.breaks, adapters: new Set() };
    this.#holdings.set(server, fresh);
    return fresh;
  }

  /** Writes the adapter, unless it is there; undefined where the run trains the whole model. */
  async #adapter(ref: WeightsRef): Promise<AdapterFolder | undefined> {
    const name = `quorum-v${ref.version}-${ref.id.slice(0, 8)}`;
    const writing = this.#adapters.get(ref.id) ?? this.#write(ref, name);
    this.#adapters.delete(ref.id);
    this.#adapters.set(ref.id, writing);
    const adapter = await writing.catch((error: unknown) => {
      this.#adapters.delete(ref.id);
      throw error;
    });
    if (this.#kind === 'adapter') return adapter;
    this.#adapters.delete(ref.id);
    await rm(join(this.#options.folder, name), { recursive: true, force: true });
    return undefined;
  }

  async #write(ref: WeightsRef, name: string): Promise<AdapterFolder> {
    makeFolder(this.#options.folder);
    this.#kind = await save(ref, join(this.#options.folder, name));
    return { name, inHand: 0 };
  }

  async #adapted(server: Server, adapter: AdapterFolder, signal: AbortSignal): Promise<Served> {
    const holdings = this.#holdingsOf(server);
    const { folder, serverFolder, checkAdapter } = this.#options;
    const { name } = adapter;
    if (!holdings.adapters.has(name)) {
      await loadAdapter(server, name, join(serverFolder, name), signal);
      holdings.adapters.add(name);
    }
    if (!holdings.isChecked) await checkAdapter(server, { name, folder, serverFolder }, signal);
    holdings.isChecked = true;
    adapter.inHand++;
    await this.#dropOld(signal);
    return { model: name, release: () => adapter.inHand-- };
  }

  /** Drops adapters that no request names, but the newest, from the servers and from the disk. */
  async #dropOld(signal: AbortSignal): Promise<void> {
    for (const [id, writing] of [...this.#adapters].slice(0, -KEPT)) {
      const { name, inHand } = await writing;
      if (inHand > 0) continue;
      for (const [server, { adapters }] of this.#holdings)
        // A server that has restarted does not have it.
        if (adapters.delete(name)) await unloadAdapter(server, name, signal).catch(() => {});
      this.#adapters.delete(id);
      const folder = join(this.#options.folder, name);
      if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    }
  }

  /** Replaces the server's weights once it has no request in hand. */
  async #whole(server: Server, ref: WeightsRef, signal: AbortSignal): Promise<Served> {
    const { modelFolder, model } = this.#options;
    if (modelFolder === undefined)
      throw new SetupError(
        'the run trains the whole model: name in `modelFolder` the folder that the server serves, a copy of the base that is overwritten, or train an adapter (`learner.adapter.type` lora)',
      );
    const holdings = this.#holdingsOf(server);
    if (holdings.weights !== ref.id) {
      while ((this.#inHand.get(server) ?? 0) > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
      signal.throwIfAborted();
      delete holdings.weights; // a reload that fails or is cancelled may have replaced them
      await this.#put(ref, modelFolder);
      await reload(server, this.#options.idleSeconds, signal);
      holdings.weights = ref.id;
    }
    this.#inHand.set(server, 1 + (this.#inHand.get(server) ?? 0));
    return { model, release: () => this.#release(server) };
  }

  async #put(ref: WeightsRef, folder: string): Promise<void> {
    if (this.#inFolder === ref.id) return;
    this.#inFolder = undefined;
    await save(ref, folder);
    await addHead(folder);
    this.#inFolder = ref.id;
  }

  #release(server: Server): void {
    this.#inHand.set(server, this.#inHand.get(server)! - 1);
    for (const wake of this.#drained.splice(0)) wake();
  }
}

function save(ref: WeightsRef, folder: string): Promise<'adapter' | 'model'> {
  if (!ref.save)
    throw new SetupError(
      "the run's learner cannot write its versions as folders, which vLLM needs: remove the plug-in vllm, or the plug-in that learns",
    );
  return ref.save(folder);
}
