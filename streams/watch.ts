/** Tells watchers what happened, after it is stored. Each has a bounded queue of its own; a slow one loses events, never holds the loop up. */
import { catchError, EMPTY, finalize, mergeMap, ReplaySubject, type Observable } from 'rxjs';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { Crew } from './crew.ts';
import { pullMap } from './pull-map.ts';
import { Queue } from './queue.ts';

type Watcher = Crew['watchers'][number];

export interface Watching {
  announce(event: LoopEvent): void;
  /** Watchers come and go: these are the ones from now on. */
  follow(watchers: readonly Watcher[]): void;
  /** Runs until `close`. */
  readonly run$: Observable<unknown>;
  close(): void;
}

export interface WatchOptions {
  /** Events that wait for one watcher. */
  readonly bound: number;
  /** A watcher that takes longer for one is restarted. */
  readonly seconds: number;
  readonly stop: AbortSignal;
  /** A watcher lost an event: it threw, hung, or is too slow. Told once until it loses none again. */
  readonly onLoss: (watcher: string, reason: string) => void;
}

interface Lane {
  readonly watcher: Watcher;
  readonly queue: Queue<LoopEvent>;
  losing: boolean;
}

/** An item of an actor costs more than a small watcher's work: what waits already goes with it, for so long. */
const DRAIN_MILLISECONDS = 100;

async function restOf(queue: Queue<LoopEvent>, tell: (event: LoopEvent) => unknown): Promise<void> {
  const end = performance.now() + DRAIN_MILLISECONDS;
  for (let next = queue.shift(); next !== undefined; next = performance.now() < end ? queue.shift() : undefined) await tell(next);
}

export function watching({ bound, seconds, stop, onLoss }: WatchOptions): Watching {
  const lanes = new Map<Watcher, Lane>();
  const lanes$ = new ReplaySubject<Lane>();

  const lose = (lane: Lane, reason: string): void => {
    if (!lane.losing && !stop.aborted) onLoss(lane.watcher.id, reason);
    lane.losing = true;
  };
  const tell = (lane: Lane) => async (event: LoopEvent) => {
    const { watcher, queue } = lane;
    try {
      const run = async (port: (event: LoopEvent, signal: AbortSignal) => unknown, signal: AbortSignal) => {
        await port(event, signal);
        await restOf(queue, (next) => port(next, signal));
      };
      await watcher.perform({ doing: `watching: ${event.type}`, seconds: seconds + DRAIN_MILLISECONDS / 1000, signal: stop, once: true, run });
      if (queue.size === 0) lane.losing = false;
    } catch (error) {
      lose(lane, error instanceof Error ? error.message : String(error));
    }
  };
  return {
    run$: lanes$.pipe(
      mergeMap((lane) =>
        pullMap(lane.queue, 1, tell(lane)).pipe(
          catchError(() => EMPTY),
          finalize(() => lanes.delete(lane.watcher)),
        ),
      ),
    ),
    announce(event) {
      for (const lane of lanes.values()) {
        if (lane.queue.size < bound) lane.queue.push(event);
        else lose(lane, `it is slower than the loop: events are lost (more than ${bound} wait)`);
      }
    },
    follow(watchers) {
      for (const [watcher, { queue }] of lanes) {
        if (watchers.includes(watcher)) continue;
        queue.close();
        lanes.delete(watcher);
      }
      for (const watcher of watchers) {
        if (lanes.has(watcher)) continue;
        const lane: Lane = { watcher, queue: new Queue<LoopEvent>(`events for ${watcher.id}`, bound), losing: false };
        watcher.takesFrom(() => lane.queue.status());
        lanes.set(watcher, lane);
        lanes$.next(lane);
      }
    },
    close() {
      for (const { queue } of lanes.values()) queue.close();
      lanes$.complete();
    },
  };
}
