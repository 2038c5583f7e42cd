/**
 * Sends stored events to watchers and exporters. They have a signal of their own, because the last version and its
 * evaluation come after the loop has stopped.
 */
import { merge } from 'rxjs';
import { withDeadline } from '../lib/deadline.ts';
import type { Performers } from '../../streams/performers.ts';
import { exporting, type Exporting } from '../../streams/export.ts';
import { watching, type Watching } from '../../streams/watch.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import { sharedController } from '../lib/shared-signal.ts';
import type { Store } from '../store/store.ts';

/** Events that may wait for one watcher. */
const WATCH_QUEUE = 1024;
/** Most seconds that a stop waits for them. */
const LAST_SECONDS = 10;

export interface AudienceParts {
  readonly store: Store;
  /** Deadline of one call. */
  readonly callSeconds: number;
  /** A stop waits no longer for them than for the step in progress. */
  readonly stopSeconds: number;
  /** Writes to the event log, the log and the status view. */
  readonly note: (text: string) => void;
}

export class Audience {
  readonly #end = sharedController();
  readonly #parts: AudienceParts;
  readonly #watching: Watching;
  readonly #exporting: Exporting;
  readonly #heard: Promise<void>;

  constructor(parts: AudienceParts) {
    this.#parts = parts;
    const { store, callSeconds, note } = parts;
    const shared = { store, seconds: callSeconds, end: this.#end.signal };
    this.#watching = watching({
      ...shared,
      bound: WATCH_QUEUE,
      onLoss: (watcher, reason) => note(`${watcher}: ${reason}`),
    });
    this.#exporting = exporting(shared);
    const all$ = merge(this.#watching.run$, this.#exporting.run$);
    this.#heard = new Promise((resolve) => all$.subscribe({ complete: resolve, error: () => resolve() }));
  }

  /** Replaces the watchers and exporters when plug-ins change. */
  follow({ watchers, exporters }: Pick<Performers, 'watchers' | 'exporters'>): void {
    this.#watching.follow(watchers);
    this.#exporting.follow(exporters);
  }

  announce(event: LoopEvent): void {
    this.#watching.announce(event);
    this.#exporting.announce(event);
  }

  /** Resolves when all events are delivered or the time is up; the next start delivers the rest. Never rejects. */
  async close(): Promise<void> {
    this.#watching.close();
    this.#exporting.close();
    const name = 'telling watchers and exporters the last events';
    const seconds = Math.min(LAST_SECONDS, this.#parts.stopSeconds);
    await withDeadline(name, seconds, undefined, () => this.#heard).catch((error: unknown) => {
      const late = [...this.#watching.waiting(), ...this.#exporting.waiting()].join(', ');
      this.#parts.note(`${(error as Error).message}: ${late} will hear of the rest at the next start`);
    });
    this.#end.abort();
  }
}
