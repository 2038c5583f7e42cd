/**
 * Composition: parts in, parts out. The only file that knows all planes. It starts the actors and nothing else;
 * lifecycle.ts runs what it returns.
 *
 * Three arrows of the composition point back, to parts that are made later. `Late` cuts all of them, and `compose` fills it in at its end:
 *   telemetry and measures -> actors, commands, pipeline: what the status shows. Both are made first, because actors tell notes as they open.
 *   system -> finish, save: how the run stops. The system is made before the loop, because the loop's performers are its actors.
 *   loop -> guardian, ending, audience, page: what hears of events. `announce` calls them in this order; what one throws fails the stage.
 */
import { Subject } from 'rxjs';
import type { Handle } from '../../actors/handle.ts';
import { startSystem, type StartedSystem } from '../../actors/system.ts';
import { Gate } from '../../streams/gate.ts';
import type { Guardian } from '../../streams/guardian.ts';
import type { Loop, LoopEffects, LoopParts, LoopState } from '../../streams/loop.ts';
import { Measures } from '../../streams/measures.ts';
import type { Pipeline } from '../../streams/pipeline.ts';
import { Settings } from '../../streams/settings.ts';
import { Telemetry, type Progress } from '../../streams/telemetry.ts';
import type { Config } from '../config/schema.ts';
import { sharedController } from '../lib/shared-signal.ts';
import type { Plugin } from '../plugin/load.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import { PROGRESS } from '../store/standing.ts';
import { Audience } from './audience.ts';
import { BestKeeper } from './best-keeper.ts';
import { Commands } from './commands.ts';
import { builtInMembers, performersOf } from './performers.ts';
import { Ending } from './ending.ts';
import { guardianMembers, guardianOf } from './guardian.ts';
import { Journal } from './journal.ts';
import type { OpenRun } from './open-run.ts';
import { Panels } from './panels.ts';
import { Phases } from './phases.ts';
import { Place } from './place.ts';
import { PluginActors } from './plugin-actors.ts';
import { Roster } from './roster.ts';
import { Saving } from './saving.ts';
import { servicesOf, type ServicesOf } from './services.ts';
import { actorsOf, groupsOf, processFacts } from './process-facts.ts';
import { stopWhenOf } from './stop-when.ts';

export interface ComposeParts {
  readonly config: Config;
  readonly run: OpenRun;
  /** The built-in roles. */
  readonly builtIn: Plugin;
  /** What plug-ins' relative paths and names are resolved from. */
  readonly pluginFolder: string;
  /** The run's end is reported in full: the best version's weights stay in memory until then. */
  readonly reports: boolean;
}

/** What early parts ask of late ones, with the answers of a run whose loop has not begun. */
interface Late {
  handles: ReadonlyMap<string, Pick<Handle<never>, 'status'>>;
  commands: Pick<Commands, 'inHand'>;
  phases: Pick<Phases, 'pausedAt'>;
  /** Set by the lifecycle when the loop begins. */
  pipeline: Pipeline | undefined;
  /** Set by the lifecycle; see SystemInput. */
  finish: () => Promise<void>;
  save: () => Promise<void>;
  /** A plug-in asks for the end of the run; a loop that has not begun ends as it begins. Set by the lifecycle. */
  asked: () => void;
  /** Undefined where guardian.mode is off. */
  guardian: Guardian | undefined;
}

const NOTHING_LATE: Late = {
  handles: new Map(),
  commands: { inHand: () => [] },
  phases: { pausedAt: undefined },
  pipeline: undefined,
  finish: () => Promise.resolve(),
  save: () => Promise.resolve(),
  asked: () => {},
  guardian: undefined,
};

export type Composition = ReturnType<typeof compose>;

export function compose({ config, run, builtIn, pluginFolder, reports }: ComposeParts) {
  const { store, policy } = run;
  const late: Late = { ...NOTHING_LATE };
  const stop = sharedController();
  const state: LoopState = {
    version: run.version,
    shareFloor: 0,
    settings: new Settings(store, config),
    gate: new Gate(stop.signal),
    stop: stop.signal,
  };
  const telling = tellingOf(config, run, late);
  const { telemetry, journal, ending } = telling;
  const saving = new Saving(run, config, telemetry, state.settings);
  const { pluginSeconds, stopSeconds, openSeconds } = config.timeouts;
  const audience = new Audience({ store, callSeconds: pluginSeconds, stopSeconds, note: (text) => journal.note(text) });
  const services = servicesFor({ config, run, builtIn, pluginFolder }, journal, (plugin, reason) => {
    ending.ask(plugin, reason);
    late.asked();
  });
  const size = { lanes: config.workers.rolloutWorkers, synthesizes: config.synthesis.mode !== 'off' };
  const started = startSystem({
    members: [...builtInMembers(builtIn, services, size), ...guardianMembers(config, run)],
    budget: config.supervision,
    now: Date.now,
    restarted: (id, error) => journal.record('actor.restarted', { actor: id, reason: error.message }),
    finish: () => late.finish(),
    save: () => late.save(),
  });
  const { system, handles } = started;
  const plugins = new PluginActors({ started, services, ...size, openSeconds });
  for (const plugin of run.plugins) plugins.install(plugin);
  const performers = performersOf(handles, plugins, size, (text) => journal.note(text));
  audience.follow(performers);
  const roster = new Roster({ actors: plugins, pluginFolder, openSeconds, changed: () => audience.follow(performers) });
  const panels = new Panels({
    panels: () => plugins.live('panel'),
    parked: () => plugins.parkedPanels(),
    seconds: pluginSeconds,
    stop: stop.signal,
    now: Date.now,
  });
  const phases = new Phases({ state, store, telemetry, measures: telling.measures, log: run.log, system });
  const place = new Place({
    presence: run.presence,
    hold: (why) => phases.hold(why),
    note: (text) => journal.note(text),
  });
  const best = new BestKeeper({ place, saving, policy: policy.learner, loop: config.loop, reports });
  const events = new Subject<LoopEvent>();
  const parts = loopParts(config, run, { performers, roster, telling });
  const effects: LoopEffects = {
    checkpoint: (n) => place.write(() => saving.checkpoint(n)),
    restore: (from, as) => saving.restore(from, as),
    keepBest: (n) => best.keep(n),
    announce: (event) => {
      late.guardian?.tell(event);
      ending.tell(event);
      audience.announce(event);
      events.next(event);
    },
    say: (text) => journal.say(text),
    hold: (why) => phases.hold(why),
    look: place.look,
    failed: (error) => system.send({ type: 'FAIL', error }),
  };
  const loop: Loop = { parts, state, effects };
  const commands = new Commands({
    loop,
    roster,
    saving,
    evaluating: (since) => evaluating(started, since),
    pipeline: () => late.pipeline,
    pause: () => phases.pause(),
    resume: async () => {
      place.resume();
      late.guardian?.released();
      phases.resume();
    },
    stop: () => beginStop(system),
    say: (text) => journal.say(text),
  });
  const guardian = guardianOf({ config, loop, handles, commands, say: (text) => journal.say(text) });
  Object.assign(late, { handles, commands, phases, guardian } satisfies Partial<Late>);
  return {
    ...telling,
    loop,
    late,
    stop,
    started,
    plugins,
    roster,
    panels,
    phases,
    place,
    best,
    events,
    saving,
    audience,
    commands,
    guardian,
  };
}

export function beginStop(system: StartedSystem['system']): void {
  if (system.getSnapshot().status === 'active') system.send({ type: 'STOP' });
}

/** What is measured and told of the run. */
function tellingOf(config: Config, run: ComposeParts['run'], late: Late) {
  const { store } = run;
  const before = store.meta(PROGRESS) as Progress | undefined;
  const actors = () => actorsOf(late.handles.values(), late.phases.pausedAt);
  const measures = new Measures({ now: Date.now, actors, window: config.loop.batchGroups }, before);
  const sources = {
    now: Date.now,
    measures,
    groups: () => groupsOf(store, late.pipeline?.credits() ?? 0),
    commands: () => late.commands.inHand(),
    keep: (progress: Progress) => store.setMeta(PROGRESS, progress),
  };
  const telemetry = new Telemetry(processFacts(config, run.folder.path, run.data), sources, before);
  const journal = new Journal(store, run.log, telemetry);
  const ending = new Ending(config.loop, store, stopWhenOf(config, store));
  return { measures, telemetry, journal, ending };
}

function servicesFor(
  { config, run, builtIn, pluginFolder }: Omit<ComposeParts, 'reports'>,
  journal: Journal,
  stop: (plugin: string, reason: string) => void,
): ServicesOf {
  return servicesOf({
    seed: config.seed,
    runFolder: run.folder.path,
    base: pluginFolder,
    train: run.data.train,
    labels: run.data.trainLabels,
    grader: run.grader,
    builtIn,
    limits: run.policy.learner.limits,
    prompts: run.policy.learner.prompts,
    weights: (version) => run.policy.learner.publish(version),
    now: Date.now,
    tell: (plugin, text) => journal.note(`${plugin}: ${text}`),
    stop,
  });
}

function loopParts(
  config: Config,
  { store, policy, data }: ComposeParts['run'],
  {
    performers,
    roster,
    telling,
  }: { performers: LoopParts['performers']; roster: Roster; telling: Pick<LoopParts, 'measures' | 'telemetry'> },
): LoopParts {
  const { train, heldOut } = data;
  return {
    config,
    performers,
    store,
    policy: policy.learner,
    measures: telling.measures,
    telemetry: telling.telemetry,
    get hasQuestions() {
      return train.size > 0 || roster.has('ask');
    },
    where: (id) => train.where?.(id) ?? heldOut.where?.(id),
  };
}

/** What the evaluator has had in hand since before `since`. */
function evaluating({ handles }: StartedSystem, since: number): string | null {
  const statuses = [...handles.values()].filter(({ role }) => role === 'evaluator').map((handle) => handle.status());
  return statuses.find((actor) => actor.state === 'working' && actor.since < since)?.doing ?? null;
}
