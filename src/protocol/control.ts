/**
 * What `quorum status`, `pause`, `resume` and `stop` say to a running daemon over the socket in its run folder: one request a connection, a
 * line of JSON each way. Producer: src/cli. Consumer: the daemon.
 */
import type { ErrorData } from './errors.ts';
import type { Report, Status } from './status.ts';

import type { PluginCommand, PluginRow } from './plugins.ts';

/** `pause` and `stop` are answered when the step in hand is finished (and, for `stop`, saved). */
export type ControlRequest =
  | { readonly type: 'status' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stop' }
  | { readonly type: 'plugins' }
  | PluginCommand;

export type ControlReply =
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'plugins'; readonly plugins: readonly PluginRow[] }
  | { readonly type: 'stopped'; readonly report: Report }
  | { readonly type: 'error'; readonly error: ErrorData };
