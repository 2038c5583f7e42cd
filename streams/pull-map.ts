/**
 * The one operator with back-pressure. RxJS pulls an async iterable as fast as it yields; `pullMap` asks for the next
 * item only when one of its lanes is free, so at most `lanes` items are in hand.
 */
import { Observable } from 'rxjs';
import { serial } from '../src/lib/serial.ts';
import { sharedController } from '../src/lib/shared-signal.ts';

export interface PullMapOptions {
  /**
   * Emit in the order of the source; a lane that is ahead waits for its turn before it pulls again. Default: as they
   * finish.
   */
  readonly ordered?: boolean;
}

/** `lane` counts from 0; `signal` aborts when the subscriber leaves or another lane fails. */
export type Work<T, R> = (item: T, lane: number, signal: AbortSignal) => Promise<R>;

/**
 * Runs `work` on the items of `source` in `lanes` concurrent lanes. The first failure, of the source or of a lane,
 * errors the stream. The source is read by one lane at a time and is returned (`iterator.return`) once, on completion,
 * failure or unsubscription.
 */
export function pullMap<T, R>(
  source: AsyncIterable<T>,
  lanes: number,
  work: Work<T, R>,
  options: PullMapOptions = {},
): Observable<R> {
  if (!Number.isInteger(lanes) || lanes < 1) throw new RangeError(`pullMap needs at least 1 lane, got ${lanes}`);
  return new Observable<R>((subscriber) => {
    const controller = sharedController();
    const iterator = source[Symbol.asyncIterator]();
    const inTurn = serial();
    let emitted: Promise<unknown> = Promise.resolve();
    let running = lanes;

    /**
     * In order: takes a place in the line when the item is pulled, and emits when every earlier item has been emitted.
     */
    const place = () => {
      const earlier = emitted;
      let leave = () => {};
      emitted = new Promise<void>((resolve) => (leave = resolve));
      return { earlier, leave };
    };

    const step = async (lane: number): Promise<boolean> => {
      const turn = await inTurn(async () => {
        const next = await iterator.next();
        return { next, ...(options.ordered === true && next.done !== true ? place() : {}) };
      });
      if (turn.next.done === true || controller.signal.aborted) return false;
      const result = await work(turn.next.value, lane, controller.signal);
      await turn.earlier;
      if (controller.signal.aborted) return false;
      subscriber.next(result);
      turn.leave?.();
      return true;
    };

    const run = async (lane: number): Promise<void> => {
      while (!controller.signal.aborted && (await step(lane)));
      running -= 1;
      if (running === 0 && !controller.signal.aborted) subscriber.complete();
    };

    for (let lane = 0; lane < lanes; lane += 1) run(lane).catch((error: unknown) => subscriber.error(error));

    return () => {
      controller.abort();
      // A generator suspended in an await returns when that await ends; nothing here depends on the moment.
      Promise.resolve(iterator.return?.()).catch(() => {});
    };
  });
}
