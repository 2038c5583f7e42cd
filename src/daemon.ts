/** Composition root: the only file that knows all planes. `quorum start` calls `startDaemon`; everything else talks to its handle. */
import type { Observable } from 'rxjs';
import type { Config } from './config/schema.ts';
import type { Policy } from './policy/policy.ts';
import type { Report, Status } from './protocol/status.ts';

/** What the policy is opened with. */
export interface PolicyOrigin {
  /** Hugging Face folder of the base model: version 0, and the reference of the KL term. */
  readonly baseFolder: string;
  /** Checkpoint to go on from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
}

export interface DaemonHooks {
  /** Makes the policy; default: LocalPolicy, our own compute in worker threads. */
  readonly createPolicy?: (config: Config, origin: PolicyOrigin) => Policy | Promise<Policy>;
  /** First SIGINT or SIGTERM stops cleanly, a second exits at once. Default false. */
  readonly handleSignals?: boolean;
  /** Where to write the JSON report when the daemon has stopped. */
  readonly reportFile?: string;
}

export interface DaemonHandle extends AsyncDisposable {
  /** Absolute. */
  readonly runFolder: string;
  /** The newest status, then each change, at most ten a second; completes when the daemon has stopped. */
  status$(): Observable<Status>;
  status(): Status;
  /** Stops admissions and starts no further learner step; resolves when the step in hand is finished. Idempotent. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Finishes the step in hand, saves, and resolves with the report. Idempotent. */
  stop(): Promise<Report>;
  /** Resolves when the daemon has stopped, for whatever reason; `report.end` says which. Never rejects. */
  closed(): Promise<Report>;
}

/**
 * Opens the run folder (or takes it up where it was left), and resolves when the loop runs. Stops by itself after `config.loop.steps`
 * learner steps, earlier sittings included.
 * @throws InputError for a bad model, data set, run folder or plug-in, and when another daemon holds the run folder.
 */
export type StartDaemon = (config: Config, hooks?: DaemonHooks) => Promise<DaemonHandle>;
