/** The entry point: `quorum start` calls `startDaemon`; all other code uses the handle that it returns. */
import type { Server } from 'node:net';
import type { Observable } from 'rxjs';
import type { Dashboard } from '../../dashboards/server/server.ts';
import type { Settings } from '../../streams/settings.ts';
import { LIVE_PATHS } from '../config/live.ts';
import type { Config } from '../config/schema.ts';
import { bindPlugin } from '../plugin/load.ts';
import { AUTHOR, doneWords, type Command } from '../protocol/commands.ts';
import type { ControlReply, ControlRequest } from '../protocol/control.ts';
import type { LiveSetting, PanelCard } from '../protocol/frames.ts';
import type { PluginRow } from '../protocol/plugins.ts';
import type { Report, Status } from '../protocol/status.ts';
import { builtIns } from '../roles/builtins.ts';
import { beginStop, compose, type Composition } from './compose.ts';
import { listen } from './control-server.ts';
import { liveSettings, openDashboard } from './dashboard.ts';
import { earlierAnswers } from './earlier-answers.ts';
import type { DaemonHandle, DaemonHooks } from './daemon-handle.ts';
import { countLabels, labelNotes } from './label-words.ts';
import { Lifecycle } from './lifecycle.ts';
import { openRun, type OpenRun } from './open-run.ts';
import { checkReportFile } from './report.ts';
import { onSignals } from './signals.ts';
import { conditionOf } from './stop-when.ts';

export type { DaemonHandle, DaemonHooks } from './daemon-handle.ts';

/**
 * Opens a new run folder or resumes an existing one; resolves when its actors run. The daemon stops by itself after
 * `config.loop.steps` learner steps, counted over all starts.
 * @throws InputError for a bad model, data set, run folder or plug-in, and when another daemon holds the run folder;
 * CancelledError when `hooks.signal` aborts first.
 */
export async function startDaemon(config: Config, hooks: DaemonHooks = {}): Promise<DaemonHandle> {
  if (hooks.reportFile !== undefined) checkReportFile(hooks.reportFile);
  conditionOf(config); // throws for an unreadable condition before anything is opened
  const { createPolicy, signal, beginAgain, pluginFolder = process.cwd(), reportFile } = hooks;
  const run = await openRun(config, { createPolicy, pluginFolder, signal, beginAgain });
  try {
    const { policy, data, grader } = run;
    const { train, heldOut, labels, since } = data;
    const builtIn = await bindPlugin(
      builtIns({ config, policy, train, heldOut, labels, grader, since, earlier: () => earlierAnswers(run.store) }),
    );
    const composed = compose({ config, run, builtIn, pluginFolder, reports: reportFile !== undefined });
    const daemon = new Daemon(config, hooks, run, composed);
    await daemon.start();
    if (signal?.aborted === true) void daemon.stop();
    return daemon;
  } catch (error) {
    await run[Symbol.asyncDispose]();
    throw error;
  }
}

class Daemon implements DaemonHandle {
  readonly #config: Config;
  readonly #hooks: DaemonHooks;
  readonly #run: OpenRun;
  readonly #parts: Composition;
  readonly #lifecycle: Lifecycle;
  /** Assigned in start(). Callers get the handle only after start() resolves. */
  #closed: Promise<Report> = new Promise(() => {});
  #dashboard: Dashboard | undefined;
  #server: Server | undefined;
  #offSignals = () => {};

  constructor(config: Config, hooks: DaemonHooks, run: OpenRun, parts: Composition) {
    this.#config = config;
    this.#hooks = hooks;
    this.#run = run;
    this.#parts = parts;
    const { reportFile } = hooks;
    this.#lifecycle = new Lifecycle({ config, run, composed: parts, reportFile, closeDoors: () => this.#closeDoors() });
  }

  async start(): Promise<void> {
    const { started, place, telemetry, journal, loop } = this.#parts;
    try {
      this.#dashboard = await openDashboard({
        ...this.#parts,
        config: this.#config,
        run: this.#run,
        handles: started.handles,
        settings: loop.state.settings,
        status$: () => this.status$(),
        status: () => this.status(),
        ownsProcess: this.#hooks.handleSignals === true,
        note: (text) => journal.note(text),
      });
      this.#server = await listen(this.#run.folder.socket, (request) => this.#answer(request));
      this.#run.begin();
    } catch (error) {
      started.system.stop();
      place.close();
      this.#server?.close();
      await this.#dashboard?.close();
      throw error;
    }
    this.#closed = this.#lifecycle.closed();
    if (this.#dashboard) telemetry.dashboard(this.#dashboard.url);
    for (const text of [...this.#run.notes, ...this.#labelNotes(), ...changedSettings(loop.state.settings)])
      journal.note(text);
    if (this.#run.version > 0) telemetry.saved(this.#run.version);
    if (this.#hooks.handleSignals === true) this.#offSignals = onSignals(() => this.#signalled());
    this.#lifecycle.begin();
  }

  get runFolder(): string {
    return this.#run.folder.path;
  }

  get dashboard(): Dashboard | null {
    return this.#dashboard ?? null;
  }

  status$(): Observable<Status> {
    return this.#parts.telemetry.status$();
  }

  status(): Status {
    return this.#parts.telemetry.status();
  }

  note(text: string): void {
    this.#parts.journal.note(text);
  }

  command(command: Command, author: string): Promise<string | undefined> {
    return this.#parts.commands.command(command, author);
  }

  settings(): readonly LiveSetting[] {
    return liveSettings(this.#parts.loop.state.settings);
  }

  plugins(): readonly PluginRow[] {
    return this.#parts.roster.list();
  }

  panels(): readonly PanelCard[] {
    return this.#parts.panels.cards();
  }

  async pause(): Promise<void> {
    await this.command({ type: 'pause' }, AUTHOR.process);
  }

  async resume(): Promise<void> {
    await this.command({ type: 'resume' }, AUTHOR.process);
  }

  async stop(): Promise<Report> {
    // A log that cannot be written must not keep the daemon from stopping.
    await this.command({ type: 'stop' }, AUTHOR.process).catch(() => beginStop(this.#parts.started.system));
    return this.#closed;
  }

  closed(): Promise<Report> {
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answer(request: ControlRequest): Promise<ControlReply> {
    if (request.type === 'plugins') return { type: 'plugins', plugins: this.plugins() };
    if (request.type === 'status') return { type: 'status', status: this.status() };
    const outcome = (await this.command(request, AUTHOR.commandLine)) ?? doneWords(request);
    if (request.type === 'stop') return { type: 'stopped', report: await this.#closed };
    return { type: 'status', status: this.status(), outcome };
  }

  #signalled(): void {
    if (this.#parts.stop.signal.aborted) return;
    this.note('stopping after the step in hand; the same signal again exits at once');
    void this.stop();
  }

  #closeDoors(): { readonly closed: () => Promise<void> } {
    this.#offSignals();
    // Closing deletes the socket's file by name; after a move that may be another daemon's file.
    if (this.#run.presence.absence()) this.#server?.unref();
    else this.#server?.close();
    return { closed: async () => this.#dashboard?.close() };
  }

  /** Empty if a plug-in evaluates, because it may have labels of its own. */
  #labelNotes(): string[] {
    const { roster, guardian } = this.#parts;
    return roster.has('evaluate') ? [] : labelNotes(countLabels(this.#run.data), guardian !== undefined);
  }
}

/** Lines about settings that were changed while the loop ran and still hold. */
function changedSettings({ now, configured }: Settings): string[] {
  const changed = LIVE_PATHS.filter((path) => now[path] !== configured[path]);
  return changed.map(
    (path) => `${path} is ${now[path]}, as it was set while the loop ran; the configuration says ${configured[path]}`,
  );
}
