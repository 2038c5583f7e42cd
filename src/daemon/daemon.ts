/** Composition root: the only file that knows all planes. `quorum start` calls `startDaemon`; everything else talks to its handle. */
import type { Server } from 'node:net';
import { EMPTY, Subject, type Observable, type Subscription } from 'rxjs';
import type { Dashboard } from '../../dashboards/server/server.ts';
import { builtIns } from '../roles/builtins.ts';
import { withDeadline } from '../lib/deadline.ts';
import { startSystem, type StartedSystem } from '../../actors/system.ts';
import { evaluate } from '../../streams/evaluate.ts';
import { Gate } from '../../streams/gate.ts';
import type { Guardian } from '../../streams/guardian.ts';
import type { Loop } from '../../streams/loop.ts';
import { Measures } from '../../streams/measures.ts';
import { pipeline, type Pipeline } from '../../streams/pipeline.ts';
import { catchUp, workInHand } from '../../streams/resume.ts';
import { settleRollback } from '../../streams/rollback.ts';
import { heldBy, release } from '../../streams/set-aside.ts';
import { Settings } from '../../streams/settings.ts';
import { Telemetry, type Progress } from '../../streams/telemetry.ts';
import { PROGRESS, standing } from '../store/standing.ts';
import { LIVE_PATHS } from '../config/live.ts';
import type { Config } from '../config/schema.ts';
import { Audience } from './audience.ts';
import { Commands } from './commands.ts';
import { listen } from './control-server.ts';
import { earlierAnswers } from './earlier-answers.ts';
import { guardianMembers, guardianOf } from './guardian.ts';
import { liveSettings, openDashboard, type SourceParts } from './dashboard.ts';
import { builtInMembers, crewOf } from './crew.ts';
import { Ending, type Ended } from './ending.ts';
import type { DaemonHandle, DaemonHooks } from './daemon-handle.ts';
import { countLabels, labelNotes } from './label-words.ts';
import { openRun, type OpenRun } from './open-run.ts';
import { bestUnlabelled, checkReportFile, isMeasured, reportOf, writeReport } from './report.ts';
import { Panels } from './panels.ts';
import { Place } from './place.ts';
import { PluginActors } from './plugin-actors.ts';
import { Roster } from './roster.ts';
import { Saving } from './saving.ts';
import { servicesOf, type ServicesOf } from './services.ts';
import { actorsOf, groupsOf, sittingOf } from './sitting.ts';
import { conditionOf, stopWhenOf } from './stop-when.ts';
import { bindPlugin, type Plugin } from '../plugin/load.ts';
import type { ControlReply, ControlRequest } from '../protocol/control.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import { AUTHOR, doneWords, type Command } from '../protocol/commands.ts';
import type { LiveSetting, PanelCard } from '../protocol/frames.ts';
import type { PluginRow } from '../protocol/plugins.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { Phase, Report, Status } from '../protocol/status.ts';
import { sharedController } from '../lib/shared-signal.ts';

export type { DaemonHandle, DaemonHooks } from './daemon-handle.ts';

const INTERRUPTED = 130;
/** A terminal and npm each deliver the same Ctrl-C: what follows at once is not a second one. */
const SAME_SIGNAL_MILLISECONDS = 1000;

/**
 * Opens the run folder, or takes it up where it was left, and resolves when its actors run. Stops by itself after `config.loop.steps`
 * learner steps, earlier sittings included.
 * @throws InputError for a bad model, data set, run folder or plug-in, and when another daemon holds the run folder; CancelledError when
 * `hooks.signal` aborts first.
 */
export async function startDaemon(config: Config, hooks: DaemonHooks = {}): Promise<DaemonHandle> {
  if (hooks.reportFile !== undefined) checkReportFile(hooks.reportFile);
  conditionOf(config); // what cannot be read is said before anything is opened
  const { createPolicy, signal, beginAgain, pluginFolder = process.cwd() } = hooks;
  const run = await openRun(config, { createPolicy, pluginFolder, signal, beginAgain });
  try {
    const { policy, data, grader } = run;
    const { train, heldOut, labels, since } = data;
    const builtIn = await bindPlugin(builtIns({ config, policy, train, heldOut, labels, grader, since, earlier: () => earlierAnswers(run.store) }));
    const daemon = new Daemon(config, hooks, run, builtIn);
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
  readonly #stop = sharedController();
  readonly #gate = new Gate(this.#stop.signal);
  readonly #measures: Measures;
  readonly #telemetry: Telemetry;
  readonly #saving: Saving;
  readonly #place: Place;
  readonly #loop: Loop;
  readonly #started: StartedSystem;
  readonly #system: StartedSystem['system'];
  readonly #roster: Roster;
  readonly #panels: Panels;
  readonly #audience: Audience;
  readonly #guardian: Guardian | undefined;
  readonly #ending: Ending;
  /** Set when the daemon has started; who sees it has waited for that. */
  #closed: Promise<Report> = new Promise(() => {});
  readonly #settings: Settings;
  readonly #commands: Commands;
  readonly #events = new Subject<LoopEvent>();
  #pipeline: Pipeline | undefined;
  #inHand: Subscription | undefined;
  #dashboard: Dashboard | undefined;
  #phase: Phase = 'starting';
  #running: Promise<void> = Promise.resolve();
  #ended: Ended = { end: 'stopped' };
  #server: Server | undefined;
  #retainedBest: number | undefined;
  #signalledAt: number | undefined;
  #pausedAt: number | undefined;

  constructor(config: Config, hooks: DaemonHooks, run: OpenRun, builtIn: Plugin) {
    this.#config = config;
    this.#hooks = hooks;
    this.#run = run;
    const { store, policy, data } = run;
    const services = this.#servicesOf(builtIn);
    const { openSeconds } = config.timeouts;
    const size = { lanes: config.workers.rolloutWorkers, synthesizes: config.synthesis.mode !== 'off' };
    this.#started = startSystem({
      members: [...builtInMembers(builtIn, services, size), ...guardianMembers(config, run)],
      budget: config.supervision,
      now: Date.now,
      restarted: (id, error) => this.#record('actor.restarted', { actor: id, reason: error.message }),
      finish: () => this.#finish(),
      save: () => this.#save(),
    });
    this.#system = this.#started.system;
    const { system, handles } = this.#started;
    const plugins = new PluginActors({ started: this.#started, services, ...size, openSeconds });
    for (const plugin of run.plugins) plugins.install(plugin);
    const crew = crewOf(handles, plugins, size, (text) => this.#note(text));
    const pluginFolder = this.#hooks.pluginFolder ?? process.cwd();
    const roster = new Roster({ actors: plugins, pluginFolder, openSeconds, changed: () => this.#audience.follow(crew) });
    this.#roster = roster;
    this.#panels = new Panels({
      panels: () => plugins.live('panel'),
      parked: () => plugins.parkedPanels(),
      seconds: config.timeouts.pluginSeconds,
      stop: this.#stop.signal,
      now: Date.now,
    });
    const before = store.meta(PROGRESS) as Progress | undefined;
    const actors = () => actorsOf(handles.values(), this.#pausedAt);
    this.#measures = new Measures({ now: Date.now, actors, window: config.loop.batchGroups }, before);
    const sources = {
      now: Date.now,
      measures: this.#measures,
      groups: () => groupsOf(store, this.#pipeline?.credits() ?? 0),
      commands: () => this.#commands.inHand(),
      keep: (progress: Progress) => store.setMeta(PROGRESS, progress),
    };
    this.#telemetry = new Telemetry(sittingOf(config, run.folder.path, data), sources, before);
    this.#settings = new Settings(store, config);
    this.#ending = new Ending(config.loop, store, stopWhenOf(config, store));
    this.#saving = new Saving(run, config, this.#telemetry, this.#settings);
    const { pluginSeconds: callSeconds, stopSeconds } = config.timeouts;
    this.#audience = new Audience({ store, callSeconds, stopSeconds, note: (text) => this.#note(text) });
    this.#place = new Place({
      presence: run.presence,
      hold: (why) => this.#hold(why),
      note: (text) => this.#note(text),
    });
    this.#loop = {
      parts: {
        config,
        crew,
        store,
        policy: policy.learner,
        measures: this.#measures,
        telemetry: this.#telemetry,
        get hasQuestions() {
          return data.train.size > 0 || roster.has('ask');
        },
        where: (id) => data.train.where?.(id) ?? data.heldOut.where?.(id),
      },
      state: { version: run.version, shareFloor: 0, settings: this.#settings, gate: this.#gate, stop: this.#stop.signal },
      effects: {
        checkpoint: (n) => this.#place.write(() => this.#saving.checkpoint(n)),
        restore: (from, as) => this.#saving.restore(from, as),
        keepBest: (n) => this.#keepBest(n),
        announce: (event) => {
          this.#guardian?.tell(event);
          this.#ending.tell(event);
          this.#audience.announce(event);
          this.#events.next(event);
        },
        say: (text) => this.#say(text),
        hold: (why) => this.#hold(why),
        look: this.#place.look,
        failed: (error) => system.send({ type: 'FAIL', error }),
      },
    };
    const parts = { config, loop: this.#loop, handles, commands: () => this.#commands, say: (text: string) => this.#say(text) };
    this.#guardian = guardianOf(parts);
    this.#audience.follow(crew);
    this.#commands = new Commands({
      loop: this.#loop,
      roster,
      saving: this.#saving,
      evaluating: (since) => this.#evaluating(since),
      pipeline: () => this.#pipeline,
      pause: () => this.#pause(),
      resume: () => this.#resume(),
      stop: () => this.#beginStop(),
      say: (text) => this.#say(text),
    });
  }

  #servicesOf(builtIn: Plugin): ServicesOf {
    const { config, run } = { config: this.#config, run: this.#run };
    return servicesOf({
      seed: config.seed,
      runFolder: run.folder.path,
      base: this.#hooks.pluginFolder ?? process.cwd(),
      train: run.data.train,
      labels: run.data.trainLabels,
      grader: run.grader,
      builtIn,
      limits: run.policy.learner.limits,
      prompts: run.policy.learner.prompts,
      weights: (version) => run.policy.learner.publish(version),
      now: Date.now,
      tell: (plugin, text) => this.#note(`${plugin}: ${text}`),
      stop: (plugin, reason) => this.#askedToStop(plugin, reason),
    });
  }

  get runFolder(): string {
    return this.#run.folder.path;
  }

  get dashboard(): Dashboard | null {
    return this.#dashboard ?? null;
  }

  async start(): Promise<void> {
    try {
      this.#dashboard = await openDashboard(this.#dashboardParts());
      this.#server = await listen(this.#run.folder.socket, (request) => this.#answer(request));
    } catch (error) {
      this.#system.stop();
      this.#place.close();
      await this.#dashboard?.close();
      throw error;
    }
    this.#closed = this.#whenClosed();
    if (this.#dashboard) this.#telemetry.dashboard(this.#dashboard.url);
    for (const text of [...this.#run.notes, ...this.#labelNotes(), ...changedSettings(this.#settings)]) this.#note(text);
    if (this.#run.version > 0) this.#telemetry.saved(this.#run.version);
    if (this.#hooks.handleSignals === true) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.#onSignal);
    this.#running = this.#go().catch((error: unknown) => {
      if (!(this.#stop.signal.aborted && error instanceof CancelledError)) this.#system.send({ type: 'FAIL', error });
    });
  }

  /** An evaluator of a plug-in may have labels of its own. */
  #labelNotes(): string[] {
    return this.#roster.has('evaluate') ? [] : labelNotes(countLabels(this.#run.data), this.#guardian !== undefined);
  }

  status$(): Observable<Status> {
    return this.#telemetry.status$();
  }

  status(): Status {
    return this.#telemetry.status();
  }

  note(text: string): void {
    this.#note(text);
  }

  command(command: Command, author: string): Promise<string | undefined> {
    return this.#commands.command(command, author);
  }

  settings(): readonly LiveSetting[] {
    return liveSettings(this.#settings);
  }

  plugins(): readonly PluginRow[] {
    return this.#roster.list();
  }

  panels(): readonly PanelCard[] {
    return this.#panels.cards();
  }

  async pause(): Promise<void> {
    await this.#commands.command({ type: 'pause' }, AUTHOR.process);
  }

  async resume(): Promise<void> {
    await this.#commands.command({ type: 'resume' }, AUTHOR.process);
  }

  async stop(): Promise<Report> {
    await this.#commands.command({ type: 'stop' }, AUTHOR.process).catch(() => this.#beginStop()); // whatever keeps the log from being written
    return this.#closed;
  }

  async #pause(): Promise<void> {
    this.#gate.close();
    this.#pausedAt ??= Date.now();
    this.#system.send({ type: 'PAUSE' });
    const isPaused = await this.#gate.stilled();
    if (!isPaused) throw new InputError('pause: the loop was resumed before the step in hand was finished');
    this.#show();
  }

  /** A stage asks for it from within its work: it is not waited for. */
  #hold(why: string): void {
    this.#telemetry.held(why);
    this.#pause().catch(() => undefined); // resumed or stopped meanwhile
  }

  async #resume(): Promise<void> {
    this.#place.resume();
    this.#telemetry.held(undefined);
    this.#guardian?.released();
    release(this.#loop.parts);
    this.#gate.open();
    this.#pausedAt = undefined;
    this.#system.send({ type: 'RESUME' });
    this.#show();
  }

  /** What the evaluator has had in hand since before `since`. */
  #evaluating(since: number): string | null {
    const statuses = [...this.#started.handles.values()].filter(({ role }) => role === 'evaluator').map((handle) => handle.status());
    return statuses.find((actor) => actor.state === 'working' && actor.since < since)?.doing ?? null;
  }

  #beginStop(): void {
    if (this.#system.getSnapshot().status === 'active') this.#system.send({ type: 'STOP' });
  }

  closed(): Promise<Report> {
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #dashboardParts(): SourceParts {
    return {
      config: this.#config,
      run: this.#run,
      handles: this.#started.handles,
      roster: this.#roster,
      panels: this.#panels,
      settings: this.#settings,
      saving: this.#saving,
      commands: this.#commands,
      events: this.#events,
      status$: () => this.status$(),
      status: () => this.status(),
      ownsProcess: this.#hooks.handleSignals === true,
      note: (text) => this.#note(text),
    };
  }

  /** The life of a sitting up to the stop: replay, first measurement, loop. */
  async #go(): Promise<void> {
    const { store, policy } = this.#run;
    const { signal } = this.#stop;
    const begun = this.#gate.enter(); // a pause is not done before the loop has begun
    policy.learner.retain(this.#loop.state.version);
    if (store.latestVersion() === undefined) store.saveVersion({ n: 0, parent: null, batchId: null, metrics: null });
    this.#telemetry.version(this.#loop.state.version);
    settleRollback(this.#loop);
    await catchUp(this.#loop, signal);
    if (this.#loop.state.version === 0 && standing(store).baseline === null) {
      this.#show('baseline');
      await evaluate(this.#loop, { version: 0, full: true }, signal);
    }
    this.#pipeline = pipeline(this.#loop, workInHand(store));
    const { run$ } = this.#pipeline;
    begun();
    this.#show('running');
    this.#stopWhenDone();
    const probes$ = (await this.#guardian?.start()) ?? EMPTY;
    const held = heldBy(store);
    this.#telemetry.held(held);
    if (held !== undefined) this.#say(`learning is paused: ${held}; resume or stop`);
    if (this.#guardian?.isHeld === true || held !== undefined) await this.#pause();
    const probed = new Promise<void>((resolve) => probes$.subscribe({ complete: resolve, error: () => resolve() }));
    await new Promise<void>((resolve, reject) => {
      this.#inHand = run$.subscribe({ next: () => this.#stopWhenDone(), error: reject, complete: resolve });
    });
    await probed;
  }

  #stopWhenDone(): void {
    const ended = this.#ending.due(this.#loop.state.version);
    if (ended === undefined || this.#ended.end !== 'stopped' || this.#stop.signal.aborted) return;
    this.#ended = ended;
    if (ended.reason !== undefined) this.#note(`the run ends: ${ended.reason}`);
    this.#system.send({ type: 'STOP' });
  }

  /** Before the loop runs it is remembered: the loop then ends as it begins. */
  #askedToStop(plugin: string, reason: string): void {
    this.#ending.ask(plugin, reason);
    if (this.#pipeline) this.#stopWhenDone();
  }

  /** STOPPING: nothing new is begun; what is in hand is finished or, for samples, left for the next sitting. */
  async #finish(): Promise<void> {
    this.#pausedAt = undefined;
    this.#show('stopping');
    this.#stop.abort();
    await withDeadline('finishing the step in hand', this.#config.timeouts.stopSeconds, new AbortController().signal, async () => {
      await this.#running;
      await this.#commands.idle();
    });
  }

  /** DRAINING: the newest version is saved before anything else is tried. */
  async #save(): Promise<void> {
    this.#show('draining');
    const { version } = this.#loop.state;
    try {
      const absence = this.#place.look();
      if (absence) throw new InputError(await this.#saving.rescue(version, absence));
      if (standing(this.#run.store).saved !== version) await this.#saving.checkpoint(version);
      if (this.#ended.end === 'stopped' && this.#hooks.reportFile === undefined) return;
      await this.#evaluateAtEnd(version);
      await this.#evaluateAtEnd(this.#retainedBest ?? version); // looked up only now: the newest version may have become the best
    } finally {
      await this.#audience.close();
    }
  }

  async #evaluateAtEnd(version: number): Promise<void> {
    if (isMeasured(this.#run.store, version)) return;
    await evaluate(this.#loop, { version, full: true }, new AbortController().signal);
  }

  /** The best version's weights stay in memory where its full accuracy will be reported. */
  async #keepBest(n: number): Promise<void> {
    await this.#place.write(() => this.#saving.best(n));
    const { steps, stopWhen } = this.#config.loop;
    if (steps === null && stopWhen === null && this.#hooks.reportFile === undefined) return;
    this.#run.policy.learner.retain(n);
    if (this.#retainedBest !== undefined) this.#run.policy.learner.release(this.#retainedBest);
    this.#retainedBest = n;
  }

  /** STOPPED: reports, and gives everything back. */
  async #whenClosed(): Promise<Report> {
    const error = await new Promise<Error | undefined>((resolve) => {
      const done = (cause: unknown) => resolve(cause === undefined || cause instanceof Error ? cause : new Error(JSON.stringify(cause)));
      this.#system.subscribe({ complete: () => done(this.#system.getSnapshot().context.error), error: done });
    });
    if (error !== undefined) this.#ended = { end: 'failed' };
    this.#stop.abort();
    this.#inHand?.unsubscribe(); // a step that hangs past its time would hold the process
    const report = await this.#report(error);
    if (error !== undefined) this.#note(`failed: ${error.message}`); // for who looks at the events later
    this.#show(error === undefined ? 'stopped' : 'failed', error);
    if (error !== undefined) this.#run.log.error({ error: error.stack }, 'failed');
    this.#telemetry.close();
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal);
    this.#place.close();
    if (this.#run.presence.absence()) this.#server?.unref(); // to close it deletes its file by name, which may be another daemon's
    else this.#server?.close();
    this.#events.complete();
    const closing = withDeadline('closing', this.#config.timeouts.stopSeconds, new AbortController().signal, async () => {
      await this.#dashboard?.close();
      await this.#roster.close();
      await this.#run[Symbol.asyncDispose]();
    });
    await closing.catch((cause: unknown) => process.emitWarning(`the daemon did not close cleanly: ${String(cause)}`));
    return report;
  }

  /** Never throws: a report that cannot be written is part of the report. */
  async #report(error: Error | undefined): Promise<Report> {
    const { store, data } = this.#run;
    const { totals } = this.#measures.measured();
    const make = async (cause: Error | undefined) => {
      const lost = this.#run.presence.absence() && { lost: true as const };
      const saved = this.#saving.newest;
      const unlabelled = bestUnlabelled(store, countLabels(data), saved, this.#guardian !== undefined);
      const kept = unlabelled === null ? this.#saving.bestFolder() : Promise.resolve(this.#saving.folderOf(unlabelled));
      const bestFolder = lost ? null : await kept.catch(() => null);
      const ending = { ...this.#ended, error: cause, folder: this.#saving.modelFolder, saved, unlabelled, bestFolder, ...lost };
      return reportOf(this.#telemetry.status(), totals, store, ending);
    };
    const report = await make(error);
    try {
      this.#telemetry.keep();
      if (this.#hooks.reportFile !== undefined) writeReport(this.#hooks.reportFile, report);
      return report;
    } catch (cause) {
      this.#ended = { end: 'failed' };
      return make(error ?? (cause as Error));
    }
  }

  async #answer(request: ControlRequest): Promise<ControlReply> {
    if (request.type === 'plugins') return { type: 'plugins', plugins: this.#roster.list() };
    if (request.type === 'status') return { type: 'status', status: this.status() };
    const outcome = (await this.#commands.command(request, AUTHOR.commandLine)) ?? doneWords(request);
    if (request.type === 'stop') return { type: 'stopped', report: await this.#closed };
    return { type: 'status', status: this.status(), outcome };
  }

  readonly #onSignal = (): void => {
    const first = (this.#signalledAt ??= Date.now());
    if (Date.now() - first > SAME_SIGNAL_MILLISECONDS) process.exit(INTERRUPTED);
    if (this.#stop.signal.aborted) return;
    this.#note('stopping after the step in hand; the same signal again exits at once');
    void this.stop();
  };

  #note(text: string): void {
    this.#record('note', text);
    this.#say(text);
  }

  /** Called from signals and from between actors too, where a disk that refuses a line must not be what ends the run. */
  #record(type: string, data: unknown): void {
    try {
      this.#run.store.event(type, data);
    } catch (error) {
      this.#run.log.warn({ type, data, error: String(error) }, 'an event is in no store');
    }
  }

  #say(text: string): void {
    this.#run.log.info(text);
    this.#telemetry.note(text);
  }

  /** Shows the phase; a paused loop shows that. */
  #show(phase: Phase = this.#phase, error?: Error): void {
    this.#phase = phase;
    const paused = phase === 'running' && this.#gate.isStill;
    this.#measures.paused(paused);
    this.#telemetry.phase(paused ? 'paused' : phase, error);
    this.#run.log.info({ version: this.#loop.state.version }, paused ? 'paused' : phase);
  }
}

/** Settings that were changed while the loop ran, and still hold. */
function changedSettings({ now, configured }: Settings): string[] {
  const changed = LIVE_PATHS.filter((path) => now[path] !== configured[path]);
  return changed.map((path) => `${path} is ${now[path]}, as it was set while the loop ran; the configuration says ${configured[path]}`);
}
