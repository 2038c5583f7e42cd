/**
 * The control socket in the run folder, which `quorum status`, `quorum plugins` and the commands of the command line
 * use: one request a connection, a line of JSON each way. Producer: src/cli. Consumer: the daemon.
 */
import type { Command } from './commands.ts';
import type { ErrorData } from './errors.ts';
import type { PluginRow } from './plugins.ts';
import type { Report, Status } from './status.ts';

/** A command is answered when it is done. */
export type ControlRequest = { readonly type: 'status' } | { readonly type: 'plugins' } | Command;

export type ControlReply =
  /** `outcome` answers a command: a sentence or two. */
  | { readonly type: 'status'; readonly status: Status; readonly outcome?: string }
  | { readonly type: 'plugins'; readonly plugins: readonly PluginRow[] }
  | { readonly type: 'stopped'; readonly report: Report }
  | { readonly type: 'error'; readonly error: ErrorData };
