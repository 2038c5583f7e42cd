/** Makes the built-in actors and the loop's performers, in which plug-ins precede the built-in actors (failover.ts). */
import type { Handle } from '../../actors/handle.ts';
import type { Member } from '../../actors/system.ts';
import type { Performers } from '../../streams/performers.ts';
import type { Plugin } from '../plugin/load.ts';
import { PORT_TABLE, samplerIds } from '../plugin/port-table.ts';
import type { Ports, SoloPort } from '../protocol/ports.ts';
import { ActorSignal } from './actor-signal.ts';
import { Failover } from './failover.ts';
import type { PluginActors } from './plugin-actors.ts';
import type { ServicesOf } from './services.ts';

export interface PerformerCounts {
  /** Number of samplers. */
  readonly lanes: number;
  readonly synthesizes: boolean;
}

/** Actors that every daemon has. */
export function builtInMembers(
  builtIn: Plugin,
  services: ServicesOf,
  { lanes, synthesizes }: PerformerCounts,
): readonly Member[] {
  const member = (port: SoloPort, id: string = PORT_TABLE[port].role): Member => {
    const signal = new ActorSignal();
    const open = (opening: AbortSignal) =>
      builtIn.ports[port]!(services(builtIn, port, signal.begin(opening)) as never);
    return { role: PORT_TABLE[port].role, id, open };
  };
  return [
    member('ask'),
    ...samplerIds(lanes).map((id) => member('sample', id)),
    member('judge'),
    member('learn'),
    member('evaluate'),
    ...(synthesizes ? [member('synthesize')] : []),
  ];
}

/** @param handles of a system with `builtInMembers`. */
export function performersOf(
  handles: ReadonlyMap<string, Handle<never>>,
  plugins: PluginActors,
  { lanes, synthesizes }: PerformerCounts,
  say: (text: string) => void,
): Performers {
  const performer = <Name extends SoloPort>(port: Name, id: string = PORT_TABLE[port].role) => {
    const own = handles.get(id) as unknown as Handle<Ports[Name]>;
    const isOfThisLane = (actor: string): boolean => port !== 'sample' || actor.startsWith(`${id}-`);
    const live = () => plugins.live(port).find((actor) => isOfThisLane(actor.id));
    const parked = () => plugins.parked(port).filter(({ performer: { id: actor } }) => isOfThisLane(actor));
    return new Failover<Ports[Name]>(own, live, say, parked);
  };
  return {
    questioner: performer('ask'),
    samplers: samplerIds(lanes).map((id) => performer('sample', id)),
    voter: performer('judge'),
    learner: performer('learn'),
    evaluator: performer('evaluate'),
    synthesizer: synthesizes ? performer('synthesize') : undefined,
    get checks() {
      return plugins.live('check');
    },
    get parkedChecks() {
      return plugins.parked('check').map(({ plugin }) => plugin);
    },
    get rewards() {
      return plugins.live('reward');
    },
    get advantage() {
      return plugins.live('advantage')[0];
    },
    get filters() {
      return plugins.live('filter');
    },
    get watchers() {
      return plugins.live('watch');
    },
    get exporters() {
      return plugins.live('export');
    },
  };
}
