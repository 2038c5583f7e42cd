/** What `startDaemon` takes and gives: all that a command line or a dashboard knows of a daemon. */
import type { Observable } from 'rxjs';
import type { Config } from '../config/schema.ts';
import type { Policy, PolicyOrigin } from '../policy/policy.ts';
import type { Command } from '../protocol/commands.ts';
import type { LiveSetting, PanelCard } from '../protocol/frames.ts';
import type { PluginRow } from '../protocol/plugins.ts';
import type { Report, Status } from '../protocol/status.ts';

export interface DaemonHooks {
  /** Makes the learner and the sampler, not yet open; default: threads of this process (`localPolicy`). */
  readonly createPolicy?: (config: Config, origin: PolicyOrigin) => Policy | Promise<Policy>;
  /** What plug-ins' relative paths and names are resolved from; default: the working directory. */
  readonly pluginFolder?: string;
  /** First SIGINT or SIGTERM stops cleanly, a second exits at once. Default false. */
  readonly handleSignals?: boolean;
  /**
   * Where the database of the run is gone or damaged, begin a new chain of versions from the newest weights. Default
   * false: such a run is refused.
   */
  readonly beginAgain?: boolean;
  /** Aborts the start: what was opened is closed again, and `startDaemon` rejects with CancelledError. */
  readonly signal?: AbortSignal;
  /**
   * Where to write the JSON report when the daemon has stopped. With it, the last version is evaluated in full however
   * the run ends.
   */
  readonly reportFile?: string;
}

export interface DashboardAddress {
  readonly url: string;
  /** Addresses that let a browser in, where a token is asked for; null elsewhere. For the terminal, never for a log. */
  readonly links: { readonly view: string; readonly control: string } | null;
}

export interface DaemonHandle extends AsyncDisposable {
  /** Absolute. */
  readonly runFolder: string;
  /** Null without a dashboard. */
  readonly dashboard: DashboardAddress | null;
  /** The newest status, then each change, at most ten a second; completes when the daemon has stopped. */
  status$(): Observable<Status>;
  status(): Status;
  /** For the log, the event log and the status view. */
  note(text: string): void;
  /**
   * Carries out what somebody asked for, and says what came of it where there is something to say; `author` is who, in
   * words, for the event log. @throws InputError in words.
   */
  command(command: Command, author: string): Promise<string | undefined>;
  /** What may be changed by the command `set`. */
  settings(): readonly LiveSetting[];
  /** Plug-ins that are loaded, and what each port of theirs does. */
  plugins(): readonly PluginRow[];
  /** What their panels show; asked anew when it is a few seconds old. */
  panels(): readonly PanelCard[];
  /** Stops admissions and starts no further learner step; resolves when the step in hand is finished. Idempotent. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Finishes the step in hand, saves, and resolves with the report. Idempotent. */
  stop(): Promise<Report>;
  /** Resolves when the daemon has stopped, for whatever reason; `report.end` says which. Never rejects. */
  closed(): Promise<Report>;
}
