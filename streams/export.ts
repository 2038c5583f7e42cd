/**
 * Takes what the store holds to exporters: every learnt group and version, and every evaluation, at least once and in order. Each exporter has a
 * durable cursor that moves when it has taken a page, so that a restart, of the exporter or of the daemon, goes on where it was.
 */
import { catchError, EMPTY, finalize, mergeMap, ReplaySubject, type Observable } from 'rxjs';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { ExportCursor } from '../src/store/store.ts';
import type { Crew } from './crew.ts';
import { Latest } from './latest.ts';
import type { Loop } from './loop.ts';
import { pullMap } from './pull-map.ts';

/** Versions in one page. */
const PAGE_VERSIONS = 20;

type Exporter = Crew['exporters'][number];

export interface Exporting {
  /** There may be something new. */
  announce(event: LoopEvent): void;
  /** Exporters come and go: these are the ones from now on. */
  follow(exporters: readonly Exporter[]): void;
  /** Runs until `close`. */
  readonly run$: Observable<unknown>;
  close(): void;
}

const START: ExportCursor = { version: 0, evaluation: 0 };

export function exporting(loop: Pick<Loop, 'store' | 'config' | 'stop'>): Exporting {
  const { store, config, stop } = loop;
  const calls = new Map<Exporter, Latest<true>>();
  const calls$ = new ReplaySubject<{ readonly exporter: Exporter; readonly due: Latest<true> }>();

  const takeAll = async (exporter: Exporter): Promise<void> => {
    const key = `export.${exporter.plugin}`;
    for (;;) {
      const cursor = (store.meta(key) as ExportCursor | undefined) ?? START;
      const { records, next } = store.exportPage(cursor, PAGE_VERSIONS);
      if (records.length === 0 || stop.aborted) return;
      const run = async (port: (page: { records: readonly LoopEvent[] }, signal: AbortSignal) => unknown, signal: AbortSignal) =>
        port({ records }, signal);
      await exporter.perform({ doing: `exporting ${records.length} records`, seconds: config.timeouts.pluginSeconds, signal: stop, run });
      store.setMeta(key, next);
    }
  };
  return {
    run$: calls$.pipe(
      mergeMap(({ exporter, due }) =>
        // Parked: the pages wait in the store until somebody restarts it.
        pullMap(due, 1, () => takeAll(exporter)).pipe(
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
      for (const due of calls.values()) due.close();
      calls$.complete();
    },
  };
}
