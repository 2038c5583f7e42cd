/**
 * Handles a run folder or database that is deleted, moved or replaced while the daemon runs: it pauses with the reason,
 * keeps the state in memory, and writes nothing to the old path. Once the same folder is back, a resume continues; a
 * stop saves the newest weights where it can.
 */
import { InputError } from '../protocol/errors.ts';
import type { Absence, Presence } from '../store/presence.ts';

export interface PlaceParts {
  readonly presence: Presence;
  /** Pauses the loop and shows the reason until it is resumed. */
  readonly hold: (why: string) => void;
  readonly note: (text: string) => void;
}

/** Interval of the checks between steps. */
const LOOK_MILLISECONDS = 5_000;

export class Place {
  readonly #parts: PlaceParts;
  readonly #timer: NodeJS.Timeout;
  #told: string | undefined;

  constructor(parts: PlaceParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.look(), LOOK_MILLISECONDS).unref();
  }

  /** Checks the folder, and pauses the loop once if it is not in its place. */
  readonly look = (): Absence | undefined => {
    const absence = this.#parts.presence.absence();
    if (absence === undefined || absence.text === this.#told) return absence;
    this.#told = absence.text;
    this.#parts.note(
      `learning is paused: ${absence.text}. What is in memory is kept: put back what was there and resume, or stop`,
    );
    this.#parts.hold(absence.text);
    return absence;
  };

  /** @throws InputError while the folder is not in its place. */
  resume(): void {
    const absence = this.#parts.presence.absence();
    if (absence) throw new InputError(`resume: ${absence.text}: put back what was there, then resume, or stop`);
    if (this.#told !== undefined) this.#parts.note('the run folder is back in its place');
    this.#told = undefined;
  }

  /** Runs `work`, which writes into the run folder; does nothing, and ignores a failure, if the folder is gone. */
  async write(work: () => Promise<void>): Promise<void> {
    if (this.look()) return;
    try {
      await work();
    } catch (error) {
      if (this.look() === undefined) throw error;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
