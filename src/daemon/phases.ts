/** Shows the phase of the run in the status and the log, and pauses and resumes the loop. */
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
  /** Receives PAUSE and RESUME. */
  readonly system: Pick<System, 'send'>;
}

export class Phases {
  readonly #parts: PhasesParts;
  #phase: Phase = 'starting';
  #pausedAt: number | undefined;

  constructor(parts: PhasesParts) {
    this.#parts = parts;
  }

  /** Start of the pause, milliseconds since 1970; undefined while the loop is not paused. */
  get pausedAt(): number | undefined {
    return this.#pausedAt;
  }

  /** Shows `running` as `paused` while the loop stands still. */
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
   * Pauses; resolves when the current step is finished. @throws InputError if the loop is resumed first, CancelledError
   * if it stops first.
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

  /** Pauses with a reason. It does not wait until the loop stands still, because a stage calls it during its work. */
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
