/** Plug-ins as the command line, the dashboard and the daemon speak of them. */
import type { PortName } from './ports.ts';

/**
 * `standing by`: the port is not asked, because nothing in this run needs it. `parked`: its actor failed more often
 * than its budget allows; the loop continues without it until it is restarted.
 */
export type PortState = 'opening' | 'running' | 'restarting' | 'parked' | 'standing by';

export interface PluginPort {
  readonly port: PortName;
  /** Id of its actor. */
  readonly actor: string;
  readonly state: PortState;
  readonly restarts: number;
  /** Why it last failed. */
  readonly error?: string;
}

export interface PluginRow {
  readonly name: string;
  /** As the configuration lists it: a package, a path, or `given in the configuration`. */
  readonly source: string;
  readonly thread: boolean;
  readonly ports: readonly PluginPort[];
}

/** A plug-in named by a package or a path, as a command asks for it while the daemon runs. */
export interface NamedPlugin {
  readonly use: string;
  readonly options?: unknown;
  /** In a worker thread of its own. */
  readonly thread?: boolean;
  /** Whether it may read labels, as a supervised reward must. */
  readonly labels?: boolean;
}
