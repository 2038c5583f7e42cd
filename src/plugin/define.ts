/** The one door through which actors come in, ours and anybody's. */
import type { z } from 'zod';
import type { PortName, Ports } from '../protocol/ports.ts';

/** Changes when a port's type changes so that an old plug-in could misbehave. */
export const API_VERSION = 1;

/** What a port gets when its actor starts. */
export interface PortContext<Options> {
  /** As the plug-in's schema parsed them; undefined where it has none. */
  readonly options: Options;
  /** Aborts when the actor is stopped or restarted while it opens. */
  readonly signal: AbortSignal;
}

/** Makes a port ready; called again at each restart of the actor. */
export type OpenPort<Port, Options> = (context: PortContext<Options>) => Port | Promise<Port>;

export interface PluginDefinition<Options> {
  /** As messages, `quorum status` and the log name it. */
  readonly name: string;
  /** The `API_VERSION` that it was written for. */
  readonly apiVersion: number;
  /** Checks the options that the user gives; without it none may be given. */
  readonly options?: z.ZodType<Options>;
  readonly ports: { readonly [Name in PortName]?: OpenPort<Ports[Name], Options> };
}

/** Gives a plug-in its types; a plug-in's module has the result as its default export. */
export function definePlugin<Options = undefined>(definition: PluginDefinition<Options>): PluginDefinition<Options> {
  return definition;
}
