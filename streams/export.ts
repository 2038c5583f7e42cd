/**
 * Feeds exporters from the store: every learnt group and version, and every evaluation, at least once and in order.
 * Each exporter has a durable cursor that advances after each page, so a restart of the exporter or of the daemon
 * continues from there.
 */
import { catchError, concat, defer, EMPTY, finalize, mergeMap, ReplaySubject, type Observable } from 'rxjs';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { ExportCursor, Store } from '../src/store/store.ts';
import { exporting as exportingCall } from '../src/roles/plug-ins.ts';
import type { Performers } from './performers.ts';
import { Latest } from './latest.ts';
import { pullMap } from './pull-map.ts';

/** Versions in one page. */
const PAGE_VERSIONS = 20;

type Exporter = Performers['exporters'][number];

export interface Exporting {
  /** There may be something new. */
  announce(event: LoopEvent): void;
  /** Replaces the list of exporters. */
  follow(exporters: readonly Exporter[]): void;
  /** Runs until every exporter has taken what the store held when `close` was called. */
  readonly run$: Observable<unknown>;
  close(): void;
  /** Exporters with pages still due. */
  waiting(): readonly string[];
}

export interface ExportOptions {
  readonly store: Pick<Store, 'meta' | 'setMeta' | 'exportPage'>;
  /** An exporter that takes longer for a page is restarted. */
  readonly seconds: number;
  /** Aborts when exporters are waited for no longer: their pages wait for the next start. */
  readonly end: AbortSignal;
}

const START: ExportCursor = { version: 0, evaluation: 0 };

export function exporting({ store, seconds, end }: ExportOptions): Exporting {
  const calls = new Map<Exporter, Latest<true>>();
  const calls$ = new ReplaySubject<{ readonly exporter: Exporter; readonly due: Latest<true> }>();
  let isClosed = false;

  const takeAll = async (exporter: Exporter): Promise<void> => {
    const key = `export.${exporter.plugin}`;
    for (;;) {
      const cursor = (store.meta(key) as ExportCursor | undefined) ?? START;
      const { records, next } = store.exportPage(cursor, PAGE_VERSIONS);
      if (records.length === 0) return;
      await exporter.perform({ ...exportingCall({ records }, { pluginSeconds: seconds }), signal: end });
      try {
        store.setMeta(key, next);
      } catch {
        return; // the disk refused: the same page is sent again with the next record
      }
    }
  };
  return {
    run$: calls$.pipe(
      mergeMap(({ exporter, due }) =>
        // Parked: the pages wait in the store until a restart by hand.
        concat(
          pullMap(due, 1, () => takeAll(exporter)),
          defer(async () => (calls.has(exporter) ? takeAll(exporter) : undefined)), // closing skips pages that are due
        ).pipe(
          catchError(() => EMPTY),
          finalize(() => calls.delete(exporter)),
        ),
      ),
    ),
    announce(event) {
      if (event.type === 'judged') return;
      for (const due of calls.values()) due.put(true);
    },
    follow(exporters) {
      if (isClosed) return;
      for (const [exporter, due] of calls) {
        if (exporters.includes(exporter)) continue;
        due.close();
        calls.delete(exporter);
      }
      for (const exporter of exporters) {
        if (calls.has(exporter)) continue;
        const due = new Latest<true>();
        calls.set(exporter, due);
        calls$.next({ exporter, due });
        due.put(true);
      }
    },
    close() {
      isClosed = true;
      for (const due of calls.values()) due.close();
      calls$.complete();
    },
    waiting: () => [...calls.keys()].map(({ id }) => id),
  };
}
