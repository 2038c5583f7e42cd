/** Tells watchers what happened, after it is stored. Each has a bounded queue of its own; a slow one loses events, never holds the loop up. */
import { catchError, EMPTY, merge, type Observable } from 'rxjs';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { Crew } from './crew.ts';
import { pullMap } from './pull-map.ts';
import { Queue } from './queue.ts';

/** A watcher that takes longer is restarted. */
const WATCH_SECONDS = 60;

export interface Watching {
  announce(event: LoopEvent): void;
  /** Runs until `close`. */
  readonly run$: Observable<unknown>;
  close(): void;
}

export interface WatchOptions {
  /** Events that wait for one watcher. */
  readonly bound: number;
  readonly stop: AbortSignal;
  /** A watcher threw, or lost an event. */
  readonly onLoss: (watcher: string, reason: string) => void;
}

export function watching(watchers: Crew['watchers'], { bound, stop, onLoss }: WatchOptions): Watching {
  const lanes = watchers.map((watcher) => ({ watcher, queue: new Queue<LoopEvent>(`events for ${watcher.id}`, bound), lost: 0 }));
  for (const { watcher, queue } of lanes) watcher.takesFrom(() => queue.status());
  const run$ = merge(
    ...lanes.map(({ watcher, queue }) =>
      pullMap(queue, 1, (event) =>
        watcher.perform({
          doing: `watching: ${event.type}`,
          seconds: WATCH_SECONDS,
          signal: stop,
          run: async (port, signal) => {
            await Promise.resolve()
              .then(() => port(event, signal))
              .catch((error: unknown) => onLoss(watcher.id, String(error)));
          },
        }),
      ).pipe(
        catchError((error: unknown) => {
          if (!stop.aborted) onLoss(watcher.id, String(error));
          return EMPTY;
        }),
      ),
    ),
  );
  return {
    run$,
    announce(event) {
      for (const lane of lanes) {
        if (lane.queue.size < bound) lane.queue.push(event);
        else if (lane.lost++ === 0) onLoss(lane.watcher.id, `it is slower than the loop: events are lost (more than ${bound} wait)`);
      }
    },
    close: () => lanes.forEach(({ queue }) => queue.close()),
  };
}
