/**
 * Composition: parts in, parts out. The only file that knows all planes. It starts the actors and nothing else;
 * lifecycle.ts runs what it returns. It makes the parts in the order in which they need each other; late.ts cuts the
 * three arrows that point back.
 */
import { Subject } from 'rxjs';
import type { StartedSystem } from '../../actors/system.ts';
import { Gate } from '../../streams/gate.ts';
import type { Loop, LoopEffects, LoopParts, LoopState } from '../../streams/loop.ts';
import { Settings } from '../../streams/settings.ts';
import type { Config } from '../config/schema.ts';
import { sharedController } from '../lib/shared-signal.ts';
import type { Plugin } from '../plugin/load.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import { drafting } from '../roles/synthesizer.ts';
import { Audience } from './audience.ts';
import { BestKeeper } from './best-keeper.ts';
import { Commands } from './commands.ts';
import { guardianOf } from './guardian.ts';
import type { Journal } from './journal.ts';
import { nothingLate, type Late } from './late.ts';
import type { OpenRun } from './open-run.ts';
import { Phases } from './phases.ts';
import { Place } from './place.ts';
import { Saving } from './saving.ts';
import { startActors } from './start-actors.ts';
import { instrumentsOf, type Instruments } from './instruments.ts';

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

export type Composition = ReturnType<typeof compose>;

export function compose(given: ComposeParts) {
  const { config, run } = given;
  const late = nothingLate();
  const stop = sharedController();
  const state = loopState(config, run, stop.signal);
  const instruments = instrumentsOf(config, run, late);
  const audience = audienceOf(config, run, instruments.journal);
  for (const part of [run.policy.learner, run.policy.sampler]) part.onNote?.((text) => instruments.journal.note(text));
  const actors = startActors(given, { late, instruments, audience, stop: stop.signal });
  const keeping = keepingOf(given, state, instruments, actors.started);
  const events = new Subject<LoopEvent>();
  // In this order; what one of them throws fails the stage that announces.
  const announce = (event: LoopEvent): void => {
    late.guardian?.tell(event);
    instruments.ending.tell(event);
    audience.announce(event);
    events.next(event);
  };
  const parts = loopParts(given, instruments, actors);
  const loop: Loop = { parts, state, effects: loopEffects(instruments.journal, keeping, actors.started, announce) };
  const commands = commandsOf(run, loop, instruments.journal, keeping, actors, late);
  const { handles } = actors.started;
  const guardian = guardianOf({ config, loop, handles, commands, say: (text) => instruments.journal.say(text) });
  Object.assign(late, { handles, commands, phases: keeping.phases, guardian } satisfies Partial<Late>);
  return { ...instruments, ...actors, ...keeping, loop, late, stop, events, audience, commands, guardian };
}

export function beginStop(system: StartedSystem['system']): void {
  if (system.getSnapshot().status === 'active') system.send({ type: 'STOP' });
}

type Actors = ReturnType<typeof startActors>;
type Keeping = ReturnType<typeof keepingOf>;

function loopState(config: Config, { store, version }: OpenRun, stop: AbortSignal): LoopState {
  return { version, shareFloor: 0, settings: new Settings(store, config), gate: new Gate(stop), stop };
}

function audienceOf({ timeouts }: Config, { store }: OpenRun, journal: Journal): Audience {
  const { pluginSeconds, stopSeconds } = timeouts;
  return new Audience({ store, callSeconds: pluginSeconds, stopSeconds, note: (text) => journal.note(text) });
}

/** What pauses the loop and what writes versions into the run folder. */
function keepingOf(
  { config, run, reports }: ComposeParts,
  state: LoopState,
  { telemetry, measures, journal }: Instruments,
  { system }: StartedSystem,
) {
  const { store, log, presence, policy } = run;
  const saving = new Saving(run, config, telemetry, state.settings);
  const phases = new Phases({ state, store, telemetry, measures, log, system });
  const place = new Place({ presence, hold: (why) => phases.hold(why), note: (text) => journal.note(text) });
  const best = new BestKeeper({ place, saving, policy: policy.learner, loop: config.loop, reports });
  return { saving, phases, place, best };
}

function loopParts(
  { config, run }: ComposeParts,
  { measures, telemetry }: Instruments,
  { performers, roster }: Actors,
): LoopParts {
  const { train, heldOut } = run.data;
  return {
    config,
    performers,
    store: run.store,
    policy: run.policy.learner,
    grader: run.grader,
    draft: drafting(train, config, 'writing'),
    measures,
    telemetry,
    get hasQuestions() {
      return train.size > 0 || roster.has('ask');
    },
    where: (id) => train.where?.(id) ?? heldOut.where?.(id),
  };
}

function loopEffects(
  journal: Journal,
  { saving, phases, place, best }: Keeping,
  { system }: StartedSystem,
  announce: LoopEffects['announce'],
): LoopEffects {
  return {
    checkpoint: (n) => place.write(() => saving.checkpoint(n)),
    restore: (from, as) => saving.restore(from, as),
    keepBest: (n) => best.keep(n),
    announce,
    say: (text) => journal.say(text),
    hold: (why) => phases.hold(why),
    look: place.look,
    failed: (error) => system.send({ type: 'FAIL', error }),
  };
}

function commandsOf(
  { policy }: OpenRun,
  loop: Loop,
  journal: Journal,
  { saving, phases, place }: Keeping,
  { roster, started }: Actors,
  late: Late,
): Commands {
  return new Commands({
    loop,
    roster,
    saving,
    evaluating: (since) => evaluating(started, since),
    pipeline: () => late.pipeline,
    pause: () => phases.pause(),
    async resume() {
      place.resume();
      late.guardian?.released();
      phases.resume();
    },
    workers: policy.workers,
    stop: () => beginStop(started.system),
    say: (text) => journal.say(text),
  });
}

/** What the evaluator has had in hand since before `since`. */
function evaluating({ handles }: StartedSystem, since: number): string | null {
  const statuses = [...handles.values()].filter(({ role }) => role === 'evaluator').map((handle) => handle.status());
  return statuses.find((actor) => actor.state === 'working' && actor.since < since)?.doing ?? null;
}
