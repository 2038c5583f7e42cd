/**
 * Watches the loop without labels: after each learner step it weighs the judged groups, the step and the last probe of
 * the canaries, and acts when self-agreement no longer means correctness. Until then it does not affect the loop: it
 * uses no random draw of the training, and it acts only through the same commands that users have. Its state is
 * durable, including an act under way.
 */
import { catchError, EMPTY, type Observable } from 'rxjs';
import {
  isTrusted,
  observe,
  reasons,
  rolledBack,
  type Assessment,
  type MonitorState,
} from '../src/guardian/monitor.ts';
import {
  probeSignals,
  recentOf,
  sureOfBoth,
  type AskCanaries,
  type Probe,
  type ProbeRequest,
  type Sureness,
} from '../src/guardian/probe.ts';
import { remedy, type Mildness, type Remedy } from '../src/guardian/remedy.ts';
import { groupSignals, notFinite, stepSignals, type Signals } from '../src/guardian/signals.ts';
import type { Config } from '../src/config/schema.ts';
import type { Command } from '../src/protocol/commands.ts';
import type { JudgedGroup, PolicyVersion } from '../src/protocol/messages.ts';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { GuardianStatus } from '../src/protocol/status.ts';
import type { Performer } from '../src/protocol/performer.ts';
import { probing } from '../src/roles/guardian.ts';
import { standing } from '../src/store/standing.ts';
import { isWriting } from '../src/learn/question-reward.ts';
import { differs, readState, trustIn, writeState, type GuardianState, type Trusted } from '../src/guardian/state.ts';
import { Latest } from './latest.ts';
import type { Loop } from './loop.ts';
import { pullMap } from './pull-map.ts';
import { refuse } from './refused.ts';

export interface GuardianParts {
  readonly loop: Loop;
  readonly options: Config['guardian'];
  readonly performer: Performer<AskCanaries>;
  /** Carries a command out in the guardian's name. */
  readonly command: (command: Command) => Promise<void>;
  /** For the log and the status view. */
  readonly say: (text: string) => void;
}

/**
 * With fewer judged groups an answer's share is noise, so they are carried over to the next step. At most the groups of
 * a batch.
 */
const FEWEST_GROUPS = 16;
/** In doubt, and after a roll-back, probes come this much oftener. */
const SOONER = 4;
/** Intervals between probes after which what they are compared with is renewed. */
const RENEWED = 2;

export class Guardian {
  readonly #parts: GuardianParts;
  readonly #probes = new Latest<number>();
  #judged: JudgedGroup[] = [];
  #fresh: Signals | undefined;
  #newest: Probe | undefined;
  /** The last three probes that raised no doubt, since the start or a roll-back; oldest first. */
  #sound: readonly Probe[] = [];
  /** Readings since a probe was ordered. */
  #since = 0;
  /** Lets the loop admit questions again; undefined while it does. */
  #readmit: (() => void) | undefined;
  /** Version of the last roll-back: probes of earlier versions no longer count. */
  #from = 0;
  #assessment: Assessment = { level: 'healthy', symptoms: [], ask: 'as usual' };
  #state: GuardianState;
  #kept: GuardianState;

  constructor(parts: GuardianParts) {
    this.#parts = parts;
    this.#state = this.#kept = readState(parts.loop.parts.store);
    parts.loop.state.shareFloor = this.#state.shareFloor;
    parts.performer.takesFrom(() => ({ name: 'probes', size: this.#probes.size, bound: 1 }));
    this.#show();
  }

  /** Whether learning is to stay paused. */
  get isHeld(): boolean {
    return this.#state.held !== null;
  }

  /** Probes, until the loop stops. Call when the loop is at its newest version and before it admits anything. */
  async start(): Promise<Observable<unknown>> {
    const { loop, options } = this.#parts;
    if (loop.state.version === 0 && this.#state.origin === undefined) {
      this.#order(0);
      if (options.mode === 'act' && this.#state.trusted === null) await this.#trustBase();
    }
    if (loop.state.stop.aborted) this.#close(); // a run with no work left
    else loop.state.stop.addEventListener('abort', () => this.#close(), { once: true });
    if (this.#state.remedy !== null) void this.#carryOut(this.#state.remedy);
    return pullMap(this.#probes, 1, (version) => this.#probe(version)).pipe(
      catchError((error: unknown) => {
        this.#admitAgain();
        if (!loop.state.stop.aborted) this.#parts.say(`the guardian asks its canaries no more: ${String(error)}`);
        return EMPTY;
      }),
    );
  }

  /** Called with each event after it is stored. */
  tell(event: LoopEvent): void {
    const { loop } = this.#parts;
    if (event.type === 'learnt') this.#read(event.version, event.of);
    if (event.type !== 'judged' || isWriting(event.judged.group.question)) return;
    this.#judged.push(event.judged);
    // Without kept groups there are no steps, so a policy that always gives the same answer would never be assessed
    // again.
    if (this.#judged.length >= loop.parts.config.loop.batchGroups * loop.parts.config.loop.maxOversample)
      this.#read({ n: loop.state.version, metrics: null });
  }

  /** A user resumes a held loop: earlier tries do not count. */
  released(): void {
    if (this.#state.held === null) return;
    this.#set({ held: null, tries: 0, monitor: rolledBack(this.#state.monitor, this.#parts.loop.state.version) });
    this.#parts.loop.parts.store.event('guardian', {
      level: 'watch',
      version: this.#parts.loop.state.version,
      why: 'learning was resumed by hand',
    });
  }

  /** The base is as it was given: there is always something to go back to. */
  async #trustBase(): Promise<void> {
    const { loop } = this.#parts;
    await loop.effects.checkpoint(0);
    this.#set({ trusted: this.#asLearntNow(0), looked: 0 });
  }

  /** @param of what the step learnt from: written questions have an entropy of their own, and no vote. */
  #read({ n, metrics }: Pick<PolicyVersion, 'n' | 'metrics'>, of?: 'writing'): void {
    const { loop } = this.#parts;
    const fewest = Math.min(FEWEST_GROUPS, this.#parts.loop.parts.config.loop.batchGroups);
    const judged = this.#judged.length < fewest ? [] : this.#judged;
    if (judged.length > 0) this.#judged = [];
    if (this.#state.remedy !== null || this.#state.held !== null) return;
    const fresh = this.#fresh;
    this.#fresh = undefined;
    const signals = { ...groupSignals(judged), ...stepSignals(of === 'writing' ? null : metrics) };
    const reading = {
      version: n,
      signals,
      notFinite: notFinite(metrics),
      ...(fresh === undefined ? {} : { probe: fresh }),
    };
    const { state: monitor, assessment } = observe(this.#state.monitor, reading, this.#parts.options);
    this.#record(n, signals, fresh && { ...fresh, erosion: monitor.eroded, fading: monitor.fading }, assessment);
    const sound = fresh === undefined ? [] : this.#soundProbes(assessment);
    this.#set({
      ...this.#sureness(monitor),
      ...this.#disk(monitor, n, sound.at(-2)?.version),
      ...this.#asRecent(sound),
      monitor,
      ...(this.#isForgiven(monitor) ? { tries: 0 } : {}),
    });
    if (assessment.level === 'act') return this.#act(n);
    this.#since += 1;
    if (this.#since >= this.#interval(assessment)) this.#order(n);
    // Steps taken while a suspicion is looked into would be undone if it is true: nothing is admitted until the probe is done.
    if (assessment.ask === 'now' && this.#parts.options.mode === 'act' && !loop.state.stop.aborted)
      this.#readmit ??= loop.state.gate.hold();
  }

  #admitAgain(): void {
    this.#readmit?.();
    this.#readmit = undefined;
  }

  /** Steps between probes. */
  #interval({ ask }: Assessment): number {
    const { everySteps } = this.#parts.options;
    return { now: 1, soon: Math.max(1, Math.floor(everySteps / SOONER)), 'as usual': everySteps }[ask];
  }

  /** What a reading was sure of goes with it as it becomes the candidate and then the reference. */
  #sureness(monitor: MonitorState): Partial<GuardianState> {
    const { monitor: before, candidate } = this.#state;
    if (monitor.candidate?.version === before.candidate?.version) return {};
    const promoted = monitor.reference?.version === before.candidate?.version ? candidate : this.#state.reference;
    return { ...(promoted ? { reference: promoted } : {}), candidate: this.#newest && sureness(this.#newest) };
  }

  /** None where the newest probe raises a doubt. */
  #soundProbes({ ask }: Assessment): readonly Probe[] {
    if (this.#newest === undefined || ask !== 'as usual') return [];
    return (this.#sound = [...this.#sound, this.#newest].slice(-3));
  }

  /** What sound probes were sure of is what later ones are compared with: a fast loss is large in the comparison. */
  #asRecent([first, second, newest]: readonly Probe[]): Partial<GuardianState> {
    if (first === undefined || second === undefined || newest === undefined) return {};
    const due = (this.#state.recent?.version ?? -Infinity) + RENEWED * this.#parts.options.everySteps;
    return newest.version < due ? {} : { recent: recentOf([first, second, newest]) };
  }

  /**
   * Checkpoints written meanwhile, and the checkpoint to return to: the newest that enough healthy steps followed, or two
   * probes without a doubt. The steps alone may take long to come, and the base may be far behind.
   *
   * @param soundFrom version of the first of two such probes
   */
  #disk(monitor: MonitorState, n: number, soundFrom = -Infinity): Partial<GuardianState> {
    const { loop, options } = this.#parts;
    const { trusted, pending, looked } = this.#state;
    const saved = standing(loop.parts.store).saved ?? -1;
    const isNew = saved > looked && monitor.level === 'healthy';
    const settled =
      pending !== null && (pending.version <= soundFrom || isTrusted(monitor, pending.version, n, options.trustSteps));
    return {
      trusted: settled ? pending : trusted,
      pending: isNew && (pending === null || settled) ? this.#asLearntNow(saved) : settled ? null : pending,
      looked: Math.max(looked, saved),
    };
  }

  #asLearntNow(version: number): Trusted {
    const { now } = this.#parts.loop.state.settings;
    return { version, learningRate: now['learner.learningRate'], temperature: now['sampling.temperature'] };
  }

  #isForgiven(monitor: MonitorState): boolean {
    return this.#state.tries > 0 && monitor.calm >= this.#parts.options.forgiveSteps;
  }

  #act(version: number): void {
    const { loop, options } = this.#parts;
    if (options.mode !== 'act') return this.#order(version);
    this.#admitAgain();
    const { trusted, tries } = this.#state;
    const now: Mildness = {
      ...this.#asLearntNow(version),
      shareFloor: Math.max(loop.state.shareFloor, loop.parts.config.filters.shareFloor),
    };
    const decided = remedy(tries, trusted?.version ?? null, { ...now, ...trusted }, now, options);
    this.#set({ remedy: decided });
    loop.parts.store.event('guardian', { level: 'act', version, why: reasons(this.#assessment), remedy: decided });
    this.#parts.say(`the guardian acts at version ${version}: ${reasons(this.#assessment)}`);
    void this.#carryOut(decided);
  }

  async #carryOut(decided: Remedy): Promise<void> {
    const { loop } = this.#parts;
    try {
      await (decided.type === 'hold' ? this.#hold(decided.to, decided.why) : this.#restart(decided));
    } catch (error) {
      if (loop.state.stop.aborted) return; // the next start does it
      await this.#hold(null, `version ${decided.to} could not be gone back to: ${(error as Error).message}`).catch(
        loop.effects.failed,
      );
    }
  }

  async #restart({ to, attempt, settings }: Extract<Remedy, { type: 'restart' }>): Promise<void> {
    const { command, say } = this.#parts;
    // Before the roll-back, so that nothing is admitted with the old settings after it; steps until then are discarded.
    await command({ type: 'set', path: 'learner.learningRate', value: settings.learningRate });
    await command({ type: 'set', path: 'sampling.temperature', value: settings.temperature });
    this.#set({ shareFloor: settings.shareFloor });
    await command({ type: 'rollback', version: to });
    this.#back(attempt, null);
    say(
      `the guardian went back to version ${to} (try ${attempt}): learning rate ${settings.learningRate}, share floor ${settings.shareFloor}`,
    );
  }

  async #hold(to: number | null, why: string): Promise<void> {
    const { command, loop, say } = this.#parts;
    if (to !== null) await command({ type: 'rollback', version: to });
    this.#back(this.#state.tries, why);
    loop.parts.store.event('guardian', { level: 'hold', version: loop.state.version, why });
    say(`the guardian has paused learning: ${why}. Look at the events, then resume or stop`);
    await command({ type: 'pause' });
  }

  /** The loop has rolled back: forget all observations of later versions. */
  #back(tries: number, held: string | null): void {
    const { version } = this.#parts.loop.state;
    this.#judged = [];
    this.#fresh = this.#newest = undefined;
    this.#sound = [];
    this.#from = version;
    const { trusted, recent } = this.#state;
    this.#set({
      monitor: rolledBack(this.#state.monitor, version),
      trusted: trusted === null || held !== null ? trusted : { ...trusted, version }, // the same weights, saved again
      pending: null,
      recent: recent && { ...recent, isRolledBack: true },
      looked: version,
      remedy: null,
      tries,
      held,
    });
    this.#order(version);
  }

  /** Leaves the order in hand alone; a waiting order gives way to the newer version. */
  #order(version: number): void {
    const { policy } = this.#parts.loop.parts;
    if (this.#parts.loop.state.stop.aborted) return;
    this.#since = 0;
    policy.retain(version);
    const displaced = this.#probes.put(version);
    if (displaced !== undefined) policy.release(displaced);
  }

  async #probe(version: number): Promise<void> {
    const { loop, performer } = this.#parts;
    const { origin, reference: trusted, recent } = this.#state;
    try {
      const request = { version, trusted, origin, recent, closely: version === 0 };
      const probe = await performer.perform({
        ...probing(request, loop.parts.config.timeouts),
        signal: loop.state.stop,
      });
      for (const each of probe.refused ?? []) refuse(loop, 'canary', each);
      this.#probed(probe, request);
      // No step may come that would read it.
      if (this.#readmit !== undefined && loop.state.version > version)
        this.#read({ n: loop.state.version, metrics: null });
    } finally {
      loop.parts.policy.release(version);
      if (this.#probes.size === 0) this.#admitAgain();
    }
  }

  /** @param request what the probe was compared with: the trusted version may have changed meanwhile. */
  #probed(probe: Probe, request: ProbeRequest): void {
    if (probe.version < this.#from) return;
    this.#newest = probe;
    const { origin, reference, monitor, recent } = this.#state;
    const isRolledBack = request.recent?.isRolledBack === true;
    this.#fresh = probeSignals(probe, isRolledBack ? { ...request, recent: undefined } : request);
    const { kept } = this.#fresh;
    if (recent !== undefined && recent.version === request.recent?.version) {
      if (isRolledBack) this.#set({ recent: { version: probe.version, ...sureOfBoth(probe, recent) } });
      else if (kept !== undefined) this.#set({ recent: { ...recent, kept: Math.max(kept, recent.kept ?? 0) } });
    }
    if (probe.version === 0 && origin === undefined) this.#set({ origin: sureness(probe), reference: sureness(probe) });
    else if (reference === undefined && monitor.level === 'healthy') this.#set({ reference: sureness(probe) });
    this.#show();
  }

  #record(n: number, signals: Signals, fresh: Signals | undefined, assessment: Assessment): void {
    const { store } = this.#parts.loop.parts;
    const { concentration, unanswered, spread } = signals;
    const before = this.#assessment.level;
    this.#assessment = assessment;
    store.transaction(() => {
      const level = { healthy: 0, watch: 1, act: 2 }[assessment.level];
      for (const [name, value] of Object.entries({ concentration, unanswered, spread, ...fresh, level })) {
        if (value !== undefined) store.metric(`guardian.${name}`, n, value);
      }
      // An act has its own event with the remedy.
      if (before !== assessment.level && !(assessment.level === 'act' && this.#parts.options.mode === 'act')) {
        store.event('guardian', { level: assessment.level, version: n, why: reasons(assessment) });
      }
    });
  }

  #set(change: Partial<GuardianState>): void {
    this.#state = { ...this.#state, ...change };
    this.#parts.loop.state.shareFloor = this.#state.shareFloor;
    this.#show();
    if (!differs(this.#kept, this.#state)) return;
    this.#kept = this.#state;
    writeState(this.#parts.loop.parts.store, this.#state);
  }

  #show(): void {
    const { monitor, tries, held } = this.#state;
    const probe = { ...monitor.probe, ...this.#fresh };
    const { agreement = null, origin = null, consistency = null } = probe;
    const status: GuardianStatus = {
      ...trustIn(this.#state),
      since: monitor.since,
      why: held ?? reasons(this.#assessment),
      tries,
      ...(Object.keys(probe).length > 0 && { canaries: { asBase: origin, asTrusted: agreement, consistency } }),
    };
    this.#parts.loop.parts.telemetry.guardian(status);
  }

  #close(): void {
    const left = this.#probes.close();
    if (left !== undefined) this.#parts.loop.parts.policy.release(left);
  }
}

function sureness({ answers, sure }: Sureness): Sureness {
  return { answers, sure };
}
