/**
 * The loaded plug-ins of a daemon, with the commands that add, remove, restart and reload them while the loop runs.
 */
import { withDeadline } from '../lib/deadline.ts';
import { serial } from '../lib/serial.ts';
import { checkRivals, inThread, loadPlugin, type Plugin, type PluginSpec } from '../plugin/load.ts';
import { InputError } from '../protocol/errors.ts';
import type { NamedPlugin, PluginRow } from '../protocol/plugins.ts';
import type { PortName } from '../protocol/ports.ts';
import type { PluginActors } from './plugin-actors.ts';

export interface RosterParts {
  readonly actors: PluginActors;
  /** Folder from which relative paths and package names are resolved. */
  readonly pluginFolder: string;
  /** Seconds within which a plug-in must load. */
  readonly openSeconds: number;
  /** Called after the plug-ins changed. */
  readonly changed: () => void;
}

export class Roster {
  readonly #parts: RosterParts;
  /** Makes one change at a time. */
  readonly #serial = serial();

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  /** Whether a plug-in serves this port now. */
  has(port: PortName): boolean {
    return this.#parts.actors.live(port).length > 0;
  }

  list(): PluginRow[] {
    const { actors } = this.#parts;
    return actors.plugins.map((plugin) => ({
      name: plugin.name,
      source: plugin.source,
      thread: inThread(plugin.use),
      ports: actors.rows(plugin),
    }));
  }

  /** @throws InputError when it cannot be loaded, or has the name or the port of another one. */
  add(spec: NamedPlugin): Promise<void> {
    return this.#inTurn(async (actors) => {
      actors.install(await this.#loadAmong(actors.plugins, { ...spec }));
    });
  }

  /**
   * Removes a plug-in at once: the built-in actor does its current item, and a late reply is dropped. @throws
   * InputError when there is no plug-in of that name.
   */
  remove(name: string): Promise<void> {
    return this.#inTurn(async (actors) => {
      const plugin = this.#named(name);
      actors.remove(plugin);
      return () => plugin.close();
    });
  }

  /** Restarts a plug-in with a fresh restart budget. @throws InputError when no plug-in has that name. */
  restart(name: string): Promise<void> {
    return this.#inTurn(async (actors) => {
      const plugin = this.#named(name);
      actors.replace(plugin, plugin);
    });
  }

  /**
   * Imports the plug-in's module again; if that fails, the old plug-in keeps running. @throws InputError when it fails.
   */
  reload(name: string): Promise<void> {
    return this.#inTurn(async (actors) => {
      const old = this.#named(name);
      if (typeof old.use.use === 'string' && /\.[cm]js$/.test(old.use.use)) {
        throw new InputError(
          `${old.use.use} cannot be read again: Node keeps .mjs and .cjs modules for as long as it runs; name it .js or .ts`,
        );
      }
      const others = actors.plugins.filter((plugin) => plugin !== old);
      actors.replace(old, await this.#loadAmong(others, old.use));
      return () => old.close();
    });
  }

  async close(): Promise<void> {
    const { actors } = this.#parts;
    actors.end();
    await Promise.all(actors.plugins.map((plugin) => plugin.close()));
  }

  /** @param change resolves with work to do after `changed` was called. */
  #inTurn(change: (actors: PluginActors) => Promise<(() => Promise<void>) | void>): Promise<void> {
    return this.#serial(async () => {
      const rest = await change(this.#parts.actors);
      this.#parts.changed();
      await rest?.();
    });
  }

  /** @throws InputError when it cannot be loaded, or has the name or the port of one of `others`. */
  async #loadAmong(others: readonly Plugin[], spec: PluginSpec & { readonly use: string | object }): Promise<Plugin> {
    const plugin = await this.#load(spec);
    try {
      checkRivals([...others, plugin]);
      return plugin;
    } catch (error) {
      await plugin.close();
      throw error;
    }
  }

  /** Loads with a deadline, because a module's import may never settle. */
  #load(spec: PluginSpec & { readonly use: string | object }): Promise<Plugin> {
    const { pluginFolder, openSeconds } = this.#parts;
    const name = `loading plug-in ${typeof spec.use === 'string' ? spec.use : 'given in the configuration'}`;
    return withDeadline(name, openSeconds, undefined, () => loadPlugin(spec, pluginFolder));
  }

  #named(name: string): Plugin {
    const { plugins } = this.#parts.actors;
    const plugin = plugins.find((each) => each.name === name);
    if (plugin) return plugin;
    throw new InputError(
      `there is no plug-in "${name}"; loaded: ${plugins.map((each) => each.name).join(', ') || 'none'}`,
    );
  }
}
