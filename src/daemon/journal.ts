/** Tells the user what happens: in the event log, the log, the terminal and on the page. */
import type { Telemetry } from '../../streams/telemetry.ts';
import type { Logger } from '../store/log.ts';
import type { Store } from '../store/store.ts';

export class Journal {
  readonly #store: Pick<Store, 'event'>;
  readonly #log: Logger;
  readonly #telemetry: Pick<Telemetry, 'note'>;

  constructor(store: Pick<Store, 'event'>, log: Logger, telemetry: Pick<Telemetry, 'note'>) {
    this.#store = store;
    this.#log = log;
    this.#telemetry = telemetry;
  }

  /** Writes a durable event and a line for the user. */
  note(text: string): void {
    this.record('note', text);
    this.say(text);
  }

  /** Never throws: actors' transitions call this too, and a full disk must not end the run through them. */
  record(type: string, data: unknown): void {
    try {
      this.#store.event(type, data);
    } catch (error) {
      this.#log.warn({ type, data, error: String(error) }, 'an event is in no store');
    }
  }

  /** Writes to the log and the status view only. */
  say(text: string): void {
    this.#log.info(text);
    this.#telemetry.note(text);
  }
}
