/**
 * Who does what: the built-in actors, and those of plug-ins, which come and go while the loop runs. Each port of a plug-in is an actor of its own
 * under the same root as ours. A port that one plug-in holds has ours behind it: once the plug-in's actor is parked or removed, the same
 * item is done by ours.
 */
import { withDeadline } from '../lib/deadline.ts';
import type { Handle } from '../../actors/handle.ts';
import type { Member, StartedSystem } from '../../actors/system.ts';
import type { OfPlugin } from '../protocol/performer.ts';
import type { Crew } from '../../streams/crew.ts';
import { PORT_TABLE } from '../plugin/port-table.ts';
import { checkRivals, inThread, loadPlugin, type Plugin, type PluginSpec } from '../plugin/load.ts';
import { InputError } from '../protocol/errors.ts';
import type { PanelCard } from '../protocol/frames.ts';
import type { NamedPlugin, PluginPort, PluginRow, PortState } from '../protocol/plugins.ts';
import type { PortName, Ports, SoloPort } from '../protocol/ports.ts';
import { serial } from '../lib/serial.ts';
import { sharedController } from '../lib/shared-signal.ts';
import { Holder } from './holder.ts';
import type { ServicesOf } from './services.ts';

export interface RosterParts {
  readonly builtIn: Plugin;
  readonly plugins: readonly Plugin[];
  readonly services: ServicesOf;
  /** Samplers. */
  readonly lanes: number;
  readonly synthesizes: boolean;
  readonly pluginFolder: string;
  /** How long a plug-in may take to be loaded, and to open a port. */
  readonly openSeconds: number;
  readonly say: (text: string) => void;
  /** Called after a plug-in came or went. */
  readonly changed: () => void;
}

/** An actor of a plug-in's port. */
interface Post {
  readonly plugin: Plugin;
  readonly port: PortName;
  readonly handle: Handle<never>;
  /** Ends with the actor. */
  readonly life: Life;
}

export class Roster {
  readonly #parts: RosterParts;
  readonly #plugins: Plugin[] = [];
  readonly #posts: Post[] = [];
  #system: StartedSystem | undefined;
  #crew: Crew | undefined;
  /** One change at a time. */
  readonly #serial = serial();

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  /** The actors that are always there. */
  members(): Member[] {
    const { builtIn, services, lanes, synthesizes } = this.#parts;
    const member = (port: SoloPort, id: string): Member => {
      const life = new Life();
      return { role: PORT_TABLE[port].role, id, open: (opening) => builtIn.ports[port]!(services(builtIn, port, life.begin(opening)) as never) };
    };
    return [
      member('ask', 'questioner'),
      ...Array.from({ length: lanes }, (_, i) => member('sample', `sampler-${i + 1}`)),
      member('judge', 'voter'),
      member('learn', 'learner'),
      member('evaluate', 'evaluator'),
      ...(synthesizes ? [member('synthesize', 'synthesizer')] : []),
    ];
  }

  /** Takes up its work in a system that was started with `members()`. */
  begin(system: StartedSystem): void {
    this.#system = system;
    for (const plugin of this.#parts.plugins) this.#install(plugin);
    const own = <Name extends PortName>(id: string) => system.handles.get(id) as unknown as Handle<Ports[Name]>;
    const holder = <Name extends SoloPort>(port: Name, id: string) =>
      new Holder<Ports[Name]>(
        own<Name>(id),
        () => this.#live(port).find((each) => port !== 'sample' || each.id.startsWith(`${id}-`)),
        this.#parts.say,
      );
    const all = <Name extends PortName>(port: Name) => this.#live(port);
    this.#crew = {
      questioner: holder('ask', 'questioner'),
      samplers: Array.from({ length: this.#parts.lanes }, (_, i) => holder('sample', `sampler-${i + 1}`)),
      voter: holder('judge', 'voter'),
      learner: holder('learn', 'learner'),
      evaluator: holder('evaluate', 'evaluator'),
      synthesizer: this.#parts.synthesizes ? holder('synthesize', 'synthesizer') : undefined,
      get rewards() {
        return all('reward');
      },
      get advantage() {
        return all('advantage')[0];
      },
      get filters() {
        return all('filter');
      },
      get watchers() {
        return all('watch');
      },
      get exporters() {
        return all('export');
      },
    };
  }

  get crew(): Crew {
    if (!this.#crew) throw new Error('the roster has not begun');
    return this.#crew;
  }

  /** Panels that can be asked. */
  panels(): readonly OfPlugin<Ports['panel']>[] {
    return this.#live('panel');
  }

  /** Plug-ins whose panel is parked, with the reason. */
  parkedPanels(): readonly PanelCard[] {
    const parked = this.#posts.filter(({ port, handle }) => port === 'panel' && handle.isGone);
    return parked.map(({ plugin, handle }) => ({ plugin: plugin.name, content: null, error: `parked: ${handle.status().error ?? ''}` }));
  }

  /** Is there a plug-in that does this port's work now? */
  has(port: PortName): boolean {
    return this.#live(port).length > 0;
  }

  list(): PluginRow[] {
    return this.#plugins.map((plugin) => ({
      name: plugin.name,
      source: plugin.source,
      thread: inThread(plugin.use),
      ports: (Object.keys(plugin.ports) as PortName[]).flatMap((port) => this.#portRows(plugin, port)),
    }));
  }

  /** @throws InputError when it cannot be loaded, or has the name or the port of another one. */
  add(spec: NamedPlugin): Promise<void> {
    return this.#serial(async () => {
      const plugin = await this.#load({ ...spec });
      try {
        checkRivals([...this.#plugins, plugin]);
      } catch (error) {
        await plugin.close();
        throw error;
      }
      this.#install(plugin);
      this.#parts.changed();
    });
  }

  /** At once: the item in hand is done by ours, and a late reply is dropped. @throws InputError when there is none of that name. */
  remove(name: string): Promise<void> {
    return this.#serial(async () => {
      const plugin = this.#named(name);
      this.#plugins.splice(this.#plugins.indexOf(plugin), 1);
      this.#retire(plugin);
      this.#parts.changed();
      await plugin.close();
    });
  }

  /** With a fresh restart budget. */
  restart(name: string): Promise<void> {
    return this.#serial(async () => {
      const plugin = this.#named(name);
      this.#retire(plugin);
      this.#man(plugin);
      this.#parts.changed();
    });
  }

  /** Reads its module again; while that cannot be loaded, the old one goes on. */
  reload(name: string): Promise<void> {
    return this.#serial(async () => {
      const old = this.#named(name);
      if (typeof old.use.use === 'string' && /\.[cm]js$/.test(old.use.use)) {
        throw new InputError(`${old.use.use} cannot be read again: Node keeps .mjs and .cjs modules for as long as it runs; name it .js or .ts`);
      }
      const fresh = await this.#load(old.use);
      const others = this.#plugins.filter((plugin) => plugin !== old);
      try {
        checkRivals([...others, fresh]);
      } catch (error) {
        await fresh.close();
        throw error;
      }
      this.#plugins[this.#plugins.indexOf(old)] = fresh;
      this.#retire(old);
      this.#man(fresh);
      this.#parts.changed();
      await old.close();
    });
  }

  async close(): Promise<void> {
    for (const { life } of this.#posts) life.end();
    await Promise.all(this.#plugins.map((plugin) => plugin.close()));
  }

  /** A module may wait for ever while it is loaded. */
  #load(spec: PluginSpec & { readonly use: string | object }): Promise<Plugin> {
    const { pluginFolder, openSeconds } = this.#parts;
    const name = `loading plug-in ${typeof spec.use === 'string' ? spec.use : 'given in the configuration'}`;
    return withDeadline(name, openSeconds, new AbortController().signal, () => loadPlugin(spec, pluginFolder));
  }

  #named(name: string): Plugin {
    const plugin = this.#plugins.find((each) => each.name === name);
    if (plugin) return plugin;
    const known = this.#plugins.map((each) => each.name).join(', ') || 'none';
    throw new InputError(`there is no plug-in "${name}"; loaded: ${known}`);
  }

  #install(plugin: Plugin): void {
    this.#plugins.push(plugin);
    this.#man(plugin);
  }

  /** Starts an actor for each port, or one a lane for a sampler. */
  #man(plugin: Plugin): void {
    const { services, lanes, synthesizes, openSeconds } = this.#parts;
    for (const port of Object.keys(plugin.ports) as PortName[]) {
      if (port === 'synthesize' && !synthesizes) continue;
      const ids =
        port === 'sample'
          ? Array.from({ length: lanes }, (_, i) => `${PORT_TABLE[port].role}-${i + 1}-${plugin.name}`)
          : [`${PORT_TABLE[port].role}-${plugin.name}`];
      for (const id of ids) {
        const life = new Life();
        const open = (opening: AbortSignal): Promise<unknown> =>
          withDeadline<unknown>(`${id}: opening`, openSeconds, opening, (signal) =>
            plugin.ports[port]!(services(plugin, port, life.begin(signal)) as never),
          );
        const handle = this.#started.add({ role: PORT_TABLE[port].role, id, open, optional: true });
        this.#posts.push({ plugin, port, handle, life });
      }
    }
  }

  /** At once: what its actors have in hand is cancelled, and whoever holds the port then does it. */
  #retire(plugin: Plugin): void {
    const posts = this.#posts.filter((post) => post.plugin === plugin);
    for (const { handle, life } of posts) {
      this.#posts.splice(
        this.#posts.findIndex((each) => each.handle === handle),
        1,
      );
      life.end();
      this.#started.remove(handle.id);
    }
  }

  get #started(): StartedSystem {
    if (!this.#system) throw new Error('the roster has not begun');
    return this.#system;
  }

  /** In the order listed. */
  #live<Name extends PortName>(port: Name): readonly OfPlugin<Ports[Name]>[] {
    const posts = this.#posts.filter((post) => post.port === port && !post.handle.isGone);
    const place = ({ plugin }: Post): number => this.#plugins.indexOf(plugin);
    return posts.toSorted((a, b) => place(a) - place(b)).map(({ handle, plugin }) => named(handle, plugin.name) as unknown as OfPlugin<Ports[Name]>);
  }

  #portRows(plugin: Plugin, port: PortName): PluginPort[] {
    const posts = this.#posts.filter((post) => post.plugin === plugin && post.port === port);
    if (posts.length === 0) return [{ port, actor: PORT_TABLE[port].role, state: 'standing by', restarts: 0 }];
    return posts.map(({ handle }) => {
      const { id, state, restarts, error } = handle.status();
      const states: Partial<Record<typeof state, PortState>> = { parked: 'parked', failed: 'parked', waiting: 'restarting', opening: 'opening' };
      return { port, actor: id, state: states[state] ?? 'running', restarts, ...(error === undefined ? {} : { error }) };
    });
  }
}

const NAMED = new WeakMap<Handle<never>, OfPlugin<never>>();

/** The same object for the same actor, by which streams tell whether they know it. */
function named(handle: Handle<never>, plugin: string): OfPlugin<never> {
  const known = NAMED.get(handle);
  if (known) return known;
  const made: OfPlugin<never> = {
    id: handle.id,
    plugin,
    perform: (item) => handle.perform(item),
    waitsFor: (what) => handle.waitsFor(what),
    takesFrom: (queue) => handle.takesFrom(queue),
  };
  NAMED.set(handle, made);
  return made;
}

/** The signal of an actor's present life: it ends at a restart, or when the actor is removed. */
class Life {
  #now = sharedController();

  begin(opening: AbortSignal): AbortSignal {
    this.end();
    const own = sharedController();
    this.#now = own;
    opening.addEventListener('abort', () => own.abort(), { once: true });
    return own.signal;
  }

  end(): void {
    this.#now.abort();
  }
}
