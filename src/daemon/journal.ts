/** What the user is told: in the event log, the log, the terminal and on the page. */
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

  /** A durable event and a line for the user. */
  note(text: string): void {
    this.record('note', text);
    this.say(text);
  }

  /** Signals and transitions of actors call this too: a disk that refuses the line must not end the run. */
  record(type: string, data: unknown): void {
    try {
      this.#store.event(type, data);
    } catch (error) {
      this.#log.warn({ type, data, error: String(error) }, 'an event is in no store');
    }
  }

  /** In the log and the status view alone. */
  say(text: string): void {
    this.#log.info(text);
    this.#telemetry.note(text);
  }
}
