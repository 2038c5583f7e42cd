/** The phase of the run in the status and the log, and the pauses of the loop. */
import type { System } from '../../actors/system.ts';
import type { LoopState } from '../../streams/loop.ts';
import type { Measures } from '../../streams/measures.ts';
import { release } from '../../streams/set-aside.ts';
import type { Telemetry } from '../../streams/telemetry.ts';
import { InputError } from '../protocol/errors.ts';
import type { Phase } from '../protocol/status.ts';
import type { Logger } from '../store/log.ts';
import type { Store } from '../store/store.ts';

export interface PhasesParts {
  readonly state: LoopState;
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly measures: Measures;
  readonly log: Logger;
  /** Sent PAUSE and RESUME. */
  readonly system: Pick<System, 'send'>;
}

export class Phases {
  readonly #parts: PhasesParts;
  #phase: Phase = 'starting';
  #pausedAt: number | undefined;

  constructor(parts: PhasesParts) {
    this.#parts = parts;
  }

  /** Milliseconds since 1970; undefined where the loop is not paused. */
  get pausedAt(): number | undefined {
    return this.#pausedAt;
  }

  /** A running loop that stands still is shown as paused. */
  show(phase: Phase = this.#phase, error?: Error): void {
    const { state, telemetry, measures, log } = this.#parts;
    this.#phase = phase;
    if (phase === 'stopping') this.#pausedAt = undefined;
    const shown = phase === 'running' && state.gate.isStill ? 'paused' : phase;
    measures.paused(shown === 'paused');
    telemetry.phase(shown, error);
    log.info({ version: state.version }, shown);
  }

  /**
   * Resolves when the step in hand is finished. @throws InputError when the loop is resumed first, CancelledError when
   * it stops first.
   */
  async pause(): Promise<void> {
    const { state, system } = this.#parts;
    state.gate.close();
    this.#pausedAt ??= Date.now();
    system.send({ type: 'PAUSE' });
    const isPaused = await state.gate.stilled();
    if (!isPaused) throw new InputError('pause: the loop was resumed before the step in hand was finished');
    this.show();
  }

  /** A stage pauses the loop from within its own work, so nothing waits until the loop stands still. */
  hold(why: string): void {
    this.#parts.telemetry.held(why);
    this.pause().catch(() => undefined); // resumed or stopped meanwhile
  }

  resume(): void {
    const { state, store, telemetry, system } = this.#parts;
    telemetry.held(undefined);
    release({ store, telemetry });
    state.gate.open();
    this.#pausedAt = undefined;
    system.send({ type: 'RESUME' });
    this.show();
  }
}
