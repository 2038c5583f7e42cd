/**
 * Sends stored events to watchers. Each has its own bounded queue; a slow watcher loses events and never blocks the
 * loop. The store has a cursor for each watcher, so that after a kill it gets the versions and evaluations that were
 * still queued.
 */
import { catchError, EMPTY, finalize, mergeMap, ReplaySubject, type Observable } from 'rxjs';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { ExportCursor } from '../src/store/store.ts';
import { watching as watchingCall } from '../src/roles/plug-ins.ts';
import type { Performers } from './performers.ts';
import { pullMap } from './pull-map.ts';
import { Queue } from './queue.ts';
import { ToldCursors, type ToldStore } from './told.ts';

type Watcher = Performers['watchers'][number];

export interface Watching {
  announce(event: LoopEvent): void;
  /** Replaces the list of watchers. */
  follow(watchers: readonly Watcher[]): void;
  /** Runs until every watcher has got the events queued at the call of `close`. */
  readonly run$: Observable<unknown>;
  close(): void;
  /** Watchers with events still queued. */
  waiting(): readonly string[];
}

export interface WatchOptions {
  readonly store: ToldStore;
  /** Events that wait for one watcher. */
  readonly bound: number;
  /** A watcher that takes longer for one is restarted. */
  readonly seconds: number;
  /** Aborts when the wait for watchers ends: they get the remaining events at the next start. */
  readonly end: AbortSignal;
  /** A watcher lost an event: it threw, hung, or is too slow. Called once until it keeps up again. */
  readonly onLoss: (watcher: string, reason: string) => void;
}

interface Told {
  readonly event: LoopEvent;
  /** The watcher's cursor after this event. Undefined for a judged group. */
  readonly upTo: ExportCursor | undefined;
}

interface Lane {
  readonly watcher: Watcher;
  readonly queue: Queue<Told>;
  losing: boolean;
}

/** An item of an actor costs more than a small watcher's work: what waits already goes with it, for so long. */
const DRAIN_MILLISECONDS = 100;

async function restOf(queue: Queue<Told>, tell: (told: Told) => unknown): Promise<void> {
  const end = performance.now() + DRAIN_MILLISECONDS;
  for (let next = queue.shift(); next !== undefined; next = performance.now() < end ? queue.shift() : undefined)
    await tell(next);
}

export function watching({ store, bound, seconds, end, onLoss }: WatchOptions): Watching {
  const lanes = new Map<Watcher, Lane>();
  const lanes$ = new ReplaySubject<Lane>();
  const cursors = new ToldCursors(store);
  let isClosed = false;

  const lose = (lane: Lane, reason: string): void => {
    if (!lane.losing) onLoss(lane.watcher.id, reason);
    lane.losing = true;
  };
  const tell = (lane: Lane) => async (first: Told) => {
    const { watcher, queue } = lane;
    const isOver = () => end.aborted || lanes.get(watcher) !== lane;
    if (isOver()) return;
    let reached: ExportCursor | undefined;
    const run = async (port: (event: LoopEvent, signal: AbortSignal) => unknown, signal: AbortSignal) => {
      const one = ({ event, upTo }: Told) => {
        reached = upTo ?? reached;
        return port(event, signal);
      };
      await one(first);
      await restOf(queue, one);
    };
    try {
      const call = watchingCall(first.event, { pluginSeconds: seconds });
      await watcher.perform({
        ...call,
        run,
        seconds: call.seconds + DRAIN_MILLISECONDS / 1000,
        signal: end,
        once: true,
      });
      if (queue.size === 0) lane.losing = false;
    } catch (error) {
      if (isOver()) return; // not delivered, but not lost: its successor gets it, or the next start
      lose(lane, error instanceof Error ? error.message : String(error));
    }
    if (reached !== undefined) cursors.reached(watcher.plugin, reached);
  };
  const laneOf = (watcher: Watcher): Lane => {
    const lane: Lane = { watcher, queue: new Queue<Told>(`events for ${watcher.id}`, bound), losing: false };
    const { records, next } = cursors.missed(watcher.plugin, bound);
    lane.queue.push(...records.map((event, i) => ({ event, upTo: i === records.length - 1 ? next : undefined })));
    return lane;
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
      if (isClosed || lanes.size === 0) return;
      const upTo = event.type === 'judged' ? undefined : cursors.end();
      for (const lane of lanes.values()) {
        if (lane.queue.size < bound) lane.queue.push({ event, upTo });
        else lose(lane, `it is slower than the loop: events are lost (more than ${bound} wait)`);
      }
    },
    follow(watchers) {
      if (isClosed) return;
      for (const [watcher, { queue }] of lanes) {
        if (watchers.includes(watcher)) continue;
        queue.close();
        lanes.delete(watcher);
      }
      for (const watcher of watchers) {
        if (lanes.has(watcher)) continue;
        const lane = laneOf(watcher);
        watcher.takesFrom(() => lane.queue.status());
        lanes.set(watcher, lane);
        lanes$.next(lane);
      }
      cursors.save();
    },
    close() {
      isClosed = true;
      for (const { queue } of lanes.values()) queue.close();
      lanes$.complete();
    },
    waiting: () => [...lanes.values()].map(({ watcher }) => watcher.id),
  };
}
