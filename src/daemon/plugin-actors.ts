/**
 * The actors of plug-ins: one per port, for a sampler one per lane. They are added and removed while the loop runs,
 * under the same root as the built-in actors.
 */
import { withDeadline } from '../lib/deadline.ts';
import type { Handle } from '../../actors/handle.ts';
import type { StartedSystem } from '../../actors/system.ts';
import type { Plugin } from '../plugin/load.ts';
import { PORT_TABLE, samplerIds } from '../plugin/port-table.ts';
import type { OfPlugin } from '../protocol/performer.ts';
import type { PluginPort, PortState } from '../protocol/plugins.ts';
import type { PortName, Ports } from '../protocol/ports.ts';
import { ActorSignal } from './actor-signal.ts';
import type { ServicesOf } from './services.ts';

export interface PluginActorsParts {
  readonly started: Pick<StartedSystem, 'add' | 'remove'>;
  readonly services: ServicesOf;
  /** Number of samplers. */
  readonly lanes: number;
  readonly synthesizes: boolean;
  /** Seconds within which a port must open. */
  readonly openSeconds: number;
}

interface PluginActor {
  readonly plugin: Plugin;
  readonly port: PortName;
  readonly handle: Handle<never>;
  readonly performer: OfPlugin<never>;
  readonly signal: ActorSignal;
}

interface ParkedActor<P> {
  readonly plugin: string;
  readonly error: string;
  readonly performer: OfPlugin<P>;
}

const STATES: Partial<Record<ReturnType<Handle<never>['status']>['state'], PortState>> = {
  parked: 'parked',
  failed: 'parked',
  waiting: 'restarting',
  opening: 'opening',
};

export class PluginActors {
  readonly #parts: PluginActorsParts;
  readonly #plugins: Plugin[] = [];
  readonly #actors: PluginActor[] = [];

  constructor(parts: PluginActorsParts) {
    this.#parts = parts;
  }

  /** In the order of the configuration. */
  get plugins(): readonly Plugin[] {
    return this.#plugins;
  }

  install(plugin: Plugin): void {
    this.#plugins.push(plugin);
    this.#start(plugin);
  }

  /**
   * Stops the actors of `old` at once and starts those of `fresh` in the same place with a fresh restart budget.
   */
  replace(old: Plugin, fresh: Plugin): void {
    this.#plugins[this.#plugins.indexOf(old)] = fresh;
    this.#stop(old);
    this.#start(fresh);
  }

  remove(plugin: Plugin): void {
    this.#plugins.splice(this.#plugins.indexOf(plugin), 1);
    this.#stop(plugin);
  }

  /** Aborts the signals of all contexts. */
  end(): void {
    for (const { signal } of this.#actors) signal.end();
  }

  /** Actors of a port that are not parked, in the order of their plug-ins. */
  live<Name extends PortName>(port: Name): readonly OfPlugin<Ports[Name]>[] {
    const place = ({ plugin }: PluginActor): number => this.#plugins.indexOf(plugin);
    return this.#actors
      .filter((actor) => actor.port === port && !actor.handle.isGone)
      .toSorted((a, b) => place(a) - place(b))
      .map(({ performer }) => performer as unknown as OfPlugin<Ports[Name]>);
  }

  /** Plug-ins whose actor of a port is parked, with the reason. */
  parked<Name extends PortName>(port: Name): readonly ParkedActor<Ports[Name]>[] {
    const parked = this.#actors.filter((actor) => actor.port === port && actor.handle.isGone);
    return parked.map(({ plugin, handle, performer }) => ({
      plugin: plugin.name,
      error: handle.status().error ?? '',
      performer: performer as unknown as OfPlugin<Ports[Name]>,
    }));
  }

  rows(plugin: Plugin): PluginPort[] {
    return (Object.keys(plugin.ports) as PortName[]).flatMap((port) => {
      const actors = this.#actors.filter((actor) => actor.plugin === plugin && actor.port === port);
      if (actors.length === 0)
        return [{ port, actor: PORT_TABLE[port].role, state: 'standing by' as const, restarts: 0 }];
      return actors.map(({ handle }) => {
        const { id, state, restarts, error } = handle.status();
        return {
          port,
          actor: id,
          state: STATES[state] ?? 'running',
          restarts,
          ...(error === undefined ? {} : { error }),
        };
      });
    });
  }

  #start(plugin: Plugin): void {
    const { services, lanes, synthesizes, openSeconds, started } = this.#parts;
    for (const port of Object.keys(plugin.ports) as PortName[]) {
      if (port === 'synthesize' && !synthesizes) continue;
      const { role } = PORT_TABLE[port];
      for (const base of port === 'sample' ? samplerIds(lanes) : [role]) {
        const id = `${base}-${plugin.name}`;
        const signal = new ActorSignal();
        const open = (opening: AbortSignal): Promise<unknown> =>
          withDeadline<unknown>(`${id}: opening`, openSeconds, opening, (inner) =>
            plugin.ports[port]!(services(plugin, port, signal.begin(inner)) as never),
          );
        const handle = started.add({ role, id, open, optional: true });
        this.#actors.push({ plugin, port, handle, performer: ofPlugin(handle, plugin.name), signal });
      }
    }
  }

  /** Stops a plug-in's actors at once; their current items are cancelled, and the port's next holder does them. */
  #stop(plugin: Plugin): void {
    for (const actor of this.#actors.filter((each) => each.plugin === plugin)) {
      this.#actors.splice(this.#actors.indexOf(actor), 1);
      actor.signal.end();
      this.#parts.started.remove(actor.handle.id);
    }
  }
}

/** Made once per actor, because streams recognise an actor by this object. */
function ofPlugin(handle: Handle<never>, plugin: string): OfPlugin<never> {
  return {
    id: handle.id,
    plugin,
    perform: (item) => handle.perform(item),
    waitsFor: (what) => handle.waitsFor(what),
    takesFrom: (queue) => handle.takesFrom(queue),
  };
}
