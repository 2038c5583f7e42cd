/**
 * The life of a run in one process: `run` (replay, first measurement, loop), `finish` (the current step), `save` (the
 * newest version, the last evaluations), `closed` (the report, all resources released). The root of the actors
 * (actors/system.ts) calls `finish` and `save` as it stops.
 */
import { EMPTY, type Subscription } from 'rxjs';
import { withDeadline } from '../lib/deadline.ts';
import { evaluate } from '../../streams/evaluate.ts';
import { pipeline } from '../../streams/pipeline.ts';
import { catchUp, workInHand } from '../../streams/resume.ts';
import { settleRollback } from '../../streams/rollback.ts';
import { heldBy } from '../../streams/set-aside.ts';
import type { Config } from '../config/schema.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import type { Report } from '../protocol/status.ts';
import { standing } from '../store/standing.ts';
import type { Composition } from './compose.ts';
import type { Ended } from './ending.ts';
import { finalReport } from './final-report.ts';
import type { OpenRun } from './open-run.ts';
import { isMeasured } from './report.ts';

export interface LifecycleParts {
  readonly config: Config;
  readonly run: OpenRun;
  readonly composed: Composition;
  readonly reportFile: string | undefined;
  /** Closes what listens to the outside: the dashboard, the socket, signals. Called after the report is made. */
  readonly closeDoors: () => { readonly closed: () => Promise<void> };
}

export class Lifecycle {
  readonly #parts: LifecycleParts;
  #running: Promise<void> = Promise.resolve();
  #inHand: Subscription | undefined;
  #ended: Ended = { end: 'stopped' };

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    const { late } = parts.composed;
    late.finish = () => this.#finish();
    late.save = () => this.#save();
    late.asked = () => {
      if (late.pipeline) this.#stopWhenDone();
    };
  }

  /** Starts the loop without waiting for it. A failure of the loop stops the system. */
  begin(): void {
    const { stop, started } = this.#parts.composed;
    this.#running = this.#run().catch((error: unknown) => {
      if (!(stop.signal.aborted && error instanceof CancelledError)) started.system.send({ type: 'FAIL', error });
    });
  }

  async #run(): Promise<void> {
    const { loop, stop, phases, telemetry, guardian, late, journal } = this.#parts.composed;
    const { store, policy } = this.#parts.run;
    const { signal } = stop;
    const begun = loop.state.gate.enter(); // a pause completes only after the loop has begun
    policy.learner.retain(loop.state.version);
    if (store.latestVersion() === undefined) store.saveVersion({ n: 0, parent: null, batchId: null, metrics: null });
    telemetry.version(loop.state.version);
    settleRollback(loop);
    await catchUp(loop, signal);
    if (loop.state.version === 0 && standing(store).baseline === null) {
      phases.show('baseline');
      await evaluate(loop, { version: 0, full: true }, signal);
    }
    late.pipeline = pipeline(loop, workInHand(store));
    const { run$ } = late.pipeline;
    begun();
    phases.show('running');
    this.#stopWhenDone();
    const probes$ = (await guardian?.start()) ?? EMPTY;
    const held = heldBy(store);
    telemetry.held(held);
    if (held !== undefined) journal.say(`learning is paused: ${held}; resume or stop`);
    if (guardian?.isHeld === true || held !== undefined) await phases.pause();
    const probed = new Promise<void>((resolve) => probes$.subscribe({ complete: resolve, error: () => resolve() }));
    await new Promise<void>((resolve, reject) => {
      this.#inHand = run$.subscribe({ next: () => this.#stopWhenDone(), error: reject, complete: resolve });
    });
    await probed;
  }

  #stopWhenDone(): void {
    const { loop, ending, stop, journal, started } = this.#parts.composed;
    const ended = ending.due(loop.state.version);
    if (ended === undefined || this.#ended.end !== 'stopped' || stop.signal.aborted) return;
    this.#ended = ended;
    if (ended.reason !== undefined) journal.note(`the run ends: ${ended.reason}`);
    started.system.send({ type: 'STOP' });
  }

  /** STOPPING: no new work begins; current work is finished or, for samples, left for the next start. */
  async #finish(): Promise<void> {
    const { phases, stop, commands } = this.#parts.composed;
    phases.show('stopping');
    stop.abort();
    await withDeadline('finishing the step in hand', this.#parts.config.timeouts.stopSeconds, undefined, async () => {
      await this.#running;
      await commands.idle();
    });
  }

  /** DRAINING: saves the newest version before anything else. */
  async #save(): Promise<void> {
    const { phases, loop, place, saving, best, audience } = this.#parts.composed;
    phases.show('draining');
    const { version } = loop.state;
    try {
      const absence = place.look();
      if (absence) throw new InputError(await saving.rescue(version, absence));
      if (standing(this.#parts.run.store).saved !== version) await saving.checkpoint(version);
      if (this.#ended.end === 'stopped' && this.#parts.reportFile === undefined) return;
      await this.#evaluateAtEnd(version);
      // Look up `retained` only now, as the newest version may have become the best.
      await this.#evaluateAtEnd(best.retained ?? version);
    } finally {
      await audience.close();
    }
  }

  async #evaluateAtEnd(version: number): Promise<void> {
    if (isMeasured(this.#parts.run.store, version)) return;
    await evaluate(this.#parts.composed.loop, { version, full: true }, new AbortController().signal);
  }

  /** STOPPED: reports and releases all resources. Call once, before `begin`. Never rejects. */
  async closed(): Promise<Report> {
    const { config, run, composed, reportFile, closeDoors } = this.#parts;
    const { started, stop, journal, phases, telemetry, place, events, roster } = composed;
    const error = await endOf(started.system);
    if (error !== undefined) this.#ended = { end: 'failed' };
    stop.abort();
    this.#inHand?.unsubscribe(); // a step that hangs past its deadline would keep the process alive
    const report = await finalReport(composed, run, this.#ended, error, reportFile);
    if (error !== undefined) journal.note(`failed: ${error.message}`); // keeps the error in the event log
    phases.show(error === undefined ? 'stopped' : 'failed', error);
    if (error !== undefined) run.log.error({ error: error.stack }, 'failed');
    telemetry.close();
    place.close();
    const doors = closeDoors();
    events.complete();
    const closing = withDeadline('closing', config.timeouts.stopSeconds, undefined, async () => {
      await doors.closed();
      await roster.close();
      await run[Symbol.asyncDispose]();
    });
    await closing.catch((cause: unknown) => process.emitWarning(`the daemon did not close cleanly: ${String(cause)}`));
    return report;
  }
}

/** Resolves when the system is STOPPED, with its first error. */
function endOf(system: Composition['started']['system']): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const done = (cause: unknown) =>
      resolve(cause === undefined || cause instanceof Error ? cause : new Error(JSON.stringify(cause)));
    system.subscribe({ complete: () => done(system.getSnapshot().context.error), error: done });
  });
}
