/**
 * Durable cursors: how far each watcher got versions and evaluations. After a kill a watcher gets those that were still
 * queued for it. A start that does not list a plug-in forgets its cursor; listed again, the plug-in gets only new
 * events.
 */
import type { ExportCursor, ExportRecords, Store } from '../src/store/store.ts';

export type ToldStore = Pick<Store, 'meta' | 'setMeta' | 'exportEnd' | 'storedSince'>;

const TOLD = 'watch.told';

export class ToldCursors {
  readonly #store: ToldStore;
  readonly #before: Readonly<Record<string, ExportCursor>>;
  readonly #now: Record<string, ExportCursor> = {};

  constructor(store: ToldStore) {
    this.#store = store;
    this.#before = (store.meta(TOLD) ?? {}) as Readonly<Record<string, ExportCursor>>;
  }

  /** Records that a plug-in has not got yet, at most so many; empty for a new plug-in. */
  missed(plugin: string, most: number): ExportRecords {
    const since = this.#now[plugin] ?? this.#before[plugin];
    const missed =
      since === undefined ? { records: [], next: this.#store.exportEnd() } : this.#store.storedSince(since, most);
    this.#now[plugin] = since ?? missed.next;
    return missed;
  }

  /** The cursor of a watcher that has everything up to now. */
  end(): ExportCursor {
    return this.#store.exportEnd();
  }

  /** If the disk refuses, the plug-in gets these records again at the next start. */
  reached(plugin: string, upTo: ExportCursor): void {
    this.#now[plugin] = upTo;
    this.save();
  }

  save(): void {
    try {
      this.#store.setMeta(TOLD, this.#now);
    } catch {}
  }
}
