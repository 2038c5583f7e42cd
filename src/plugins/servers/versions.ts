/**
 * Gives servers the versions of the policy: an adapter each under a name of its own, several at a time; or, where the
 * run trains the whole model, the weights in a folder that the servers read, one version at a time.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, type WeightsRef } from 'quorum';
import type { Server } from './servers.ts';
import { SetupError } from './setup-error.ts';
import type { Version, Wire } from './wire.ts';

export interface Place {
  readonly folder: string;
  /** The same folder as the servers see it. */
  readonly serverFolder: string;
}

export interface VersionFolders {
  /** Holds a folder for each adapter. */
  readonly adapters: Place;
  /** Holds the weights of a whole model; undefined where the run has not been given one. */
  readonly model: Place | undefined;
}

/** A folder in a folder that the server can read. */
export interface AdapterPlace extends Place {
  /** Of the adapter and its folder. */
  readonly name: string;
}

export interface VersionOptions {
  readonly wire: Wire;
  readonly folders: VersionFolders;
  /** How long a server may take until it has no request in hand. */
  readonly idleSeconds: number;
  /**
   * Called once for each process of a server, with its first adapter.
   * @throws SetupError when the server does not compute all of it.
   */
  readonly checkAdapter: (server: Server, adapter: AdapterPlace, signal: AbortSignal) => Promise<void>;
}

/** What to ask a server for. */
export interface Served extends Version {
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
  readonly weights: string;
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
  /** Id of the weights in the model's folder. */
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
    await rm(join(this.#options.folders.adapters.folder, name), { recursive: true, force: true });
    return undefined;
  }

  async #write(ref: WeightsRef, name: string): Promise<AdapterFolder> {
    makeFolder(this.#options.folders.adapters.folder);
    this.#kind = await this.#save(ref, join(this.#options.folders.adapters.folder, name));
    return { name, weights: ref.id, inHand: 0 };
  }

  async #adapted(server: Server, adapter: AdapterFolder, signal: AbortSignal): Promise<Served> {
    const holdings = this.#holdingsOf(server);
    const { wire, folders, checkAdapter } = this.#options;
    const { folder, serverFolder } = folders.adapters;
    const { name, weights } = adapter;
    if (!holdings.adapters.has(name)) {
      await wire.loadAdapter(server, name, join(serverFolder, name), signal);
      holdings.adapters.add(name);
    }
    if (!holdings.isChecked) await checkAdapter(server, { name, folder, serverFolder }, signal);
    holdings.isChecked = true;
    adapter.inHand++;
    await this.#dropOld(signal);
    return { adapter: name, weights, release: () => adapter.inHand-- };
  }

  /** Drops adapters that no request names, but the newest, from the servers and from the disk. */
  async #dropOld(signal: AbortSignal): Promise<void> {
    for (const [id, writing] of [...this.#adapters].slice(0, -KEPT)) {
      const { name, inHand } = await writing;
      if (inHand > 0) continue;
      for (const [server, { adapters }] of this.#holdings)
        // A server that has restarted does not have it.
        if (adapters.delete(name)) await this.#options.wire.unloadAdapter(server, name, signal).catch(() => {});
      this.#adapters.delete(id);
      const folder = join(this.#options.folders.adapters.folder, name);
      if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    }
  }

  /** Replaces the server's weights once it has no request in hand. */
  async #whole(server: Server, ref: WeightsRef, signal: AbortSignal): Promise<Served> {
    const { wire, folders, idleSeconds } = this.#options;
    if (!folders.model)
      throw new SetupError(
        'the run trains the whole model: name in `modelFolder` the folder that the server serves, a copy of the base that is overwritten, or train an adapter (`learner.adapter.type` lora)',
      );
    const { folder, serverFolder } = folders.model;
    const holdings = this.#holdingsOf(server);
    if (holdings.weights !== ref.id) {
      while ((this.#inHand.get(server) ?? 0) > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
      signal.throwIfAborted();
      delete holdings.weights; // a reload that fails or is cancelled may have replaced them
      await this.#put(ref, folder);
      await wire.reload(server, serverFolder, ref.id, idleSeconds, signal);
      holdings.weights = ref.id;
    }
    this.#inHand.set(server, 1 + (this.#inHand.get(server) ?? 0));
    return { adapter: undefined, weights: ref.id, release: () => this.#release(server) };
  }

  async #put(ref: WeightsRef, folder: string): Promise<void> {
    if (this.#inFolder === ref.id) return;
    this.#inFolder = undefined;
    await this.#save(ref, folder);
    await this.#options.wire.complement?.(folder);
    this.#inFolder = ref.id;
  }

  #release(server: Server): void {
    this.#inHand.set(server, this.#inHand.get(server)! - 1);
    for (const wake of this.#drained.splice(0)) wake();
  }
  #save(ref: WeightsRef, folder: string): Promise<'adapter' | 'model'> {
    const { kind } = this.#options.wire;
    if (!ref.save)
      throw new SetupError(
        `the run's learner cannot write its versions as folders, which ${kind} needs: remove the plug-in ${kind.toLowerCase()}, or the plug-in that learns`,
      );
    return ref.save(folder);
  }
}
