/** The parameters and the result of `startDaemon`: the only interface of a daemon for a command line or a dashboard. */
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
  /** Folder from which plug-ins' relative paths and names are resolved; default: the working directory. */
  readonly pluginFolder?: string;
  /** First SIGINT or SIGTERM stops cleanly, a second exits at once. Default false. */
  readonly handleSignals?: boolean;
  /**
   * If the run's database is gone or damaged, begin a new chain of versions from the newest weights. Default false:
   * refuse such a run.
   */
  readonly beginAgain?: boolean;
  /** Aborts the start: what was opened is closed again, and `startDaemon` rejects with CancelledError. */
  readonly signal?: AbortSignal;
  /**
   * File for the JSON report of the stopped daemon. If given, the last version is evaluated in full however the run
   * ends.
   */
  readonly reportFile?: string;
}

export interface DashboardAddress {
  readonly url: string;
  /** Addresses with tokens; null if no token is needed. For the terminal, never for a log. */
  readonly links: { readonly view: string; readonly control: string } | null;
}

export interface DaemonHandle extends AsyncDisposable {
  /** Absolute path. */
  readonly runFolder: string;
  /** Null without a dashboard. */
  readonly dashboard: DashboardAddress | null;
  /** The newest status, then each change, at most ten a second; completes when the daemon has stopped. */
  status$(): Observable<Status>;
  status(): Status;
  /** Writes to the log, the event log and the status view. */
  note(text: string): void;
  /**
   * Carries out a command; resolves with its result in words if it has one. @param author of the command, in words, for
   * the event log. @throws InputError in words.
   */
  command(command: Command, author: string): Promise<string | undefined>;
  /** Settings that the command `set` may change. */
  settings(): readonly LiveSetting[];
  /** The loaded plug-ins with the state of each port. */
  plugins(): readonly PluginRow[];
  /** Contents of the plug-ins' panels; a call refreshes them if they are a few seconds old. */
  panels(): readonly PanelCard[];
  /** Stops admissions and starts no further learner step; resolves when the current step is finished. Idempotent. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Finishes the current step, saves, and resolves with the report. Idempotent. */
  stop(): Promise<Report>;
  /** Resolves when the daemon has stopped for any reason; `report.end` names the reason. Never rejects. */
  closed(): Promise<Report>;
}
