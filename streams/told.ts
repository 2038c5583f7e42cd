/**
 * How far each watcher was told of versions and evaluations. The store has it, so that after a kill a watcher hears of
 * those that still waited for it. A plug-in that one start does not list is forgotten: listed again, it hears of what
 * happens from then on.
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

  /** What a plug-in was not told yet, at most so many records; nothing for a plug-in that is new. */
  missed(plugin: string, most: number): ExportRecords {
    const since = this.#now[plugin] ?? this.#before[plugin];
    const missed =
      since === undefined ? { records: [], next: this.#store.exportEnd() } : this.#store.storedSince(since, most);
    this.#now[plugin] = since ?? missed.next;
    return missed;
  }

  /** The cursor of a watcher that was told of everything that there is now. */
  end(): ExportCursor {
    return this.#store.exportEnd();
  }

  /** Where the disk refuses that, the plug-in is told again at the next start. */
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
