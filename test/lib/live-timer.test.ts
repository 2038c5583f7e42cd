import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recentRestarts } from '../../actors/supervise.ts';
import { LiveTimer, type TimeSource } from '../../src/lib/live-timer.ts';

/**
 * A process whose time a test moves: `run` is time in which it lives, `stop` time in which it does not, and then all
 * that is due is due at once.
 */
class Process implements TimeSource {
  #now = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  #ids = 0;

  now = (): number => this.#now;
  setTimeout = (callback: () => void, milliseconds: number): number => {
    this.#timers.set(++this.#ids, { at: this.#now + milliseconds, callback });
    return this.#ids;
  };
  clearTimeout = (timer: never): void => void this.#timers.delete(timer);

  get timers(): number {
    return this.#timers.size;
  }

  run(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#next(); next && next.at <= end; next = this.#next()) {
      this.#now = Math.max(this.#now, next.at);
      this.#fire(next.id);
    }
    this.#now = end;
  }

  stop(milliseconds: number): void {
    this.#now += milliseconds;
    for (const [id, { at }] of this.#timers) if (at <= this.#now) this.#fire(id);
  }

  #next() {
    const [id, timer] = [...this.#timers].toSorted(([, a], [, b]) => a.at - b.at)[0] ?? [];
    return id === undefined || timer === undefined ? undefined : { id, at: timer.at };
  }

  #fire(id: number): void {
    const { callback } = this.#timers.get(id)!;
    this.#timers.delete(id);
    callback();
  }
}

const after = (milliseconds: number) => {
  const process = new Process();
  const seen = { fired: 0 };
  const timer = new LiveTimer(() => seen.fired++, milliseconds, process);
  return { process, seen, timer };
};

test.each([50, 1000, 1500, 600_000])('in a process that runs, %d ms are %d ms', (milliseconds) => {
  const { process, seen } = after(milliseconds);
  process.run(milliseconds - 1);
  expect(seen.fired).toBe(0);
  process.run(1);
  expect([seen.fired, process.timers]).toEqual([1, 0]);
});

test('time in which the process was stopped does not count, however long and wherever in the wait', () => {
  const wait = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(
      wait,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 3_000, max: 10_000_000 }),
      (milliseconds, share, stopped) => {
        const { process, seen } = after(milliseconds);
        const before = Math.floor(share * milliseconds);
        process.run(before);
        process.stop(stopped);
        expect(seen.fired).toBe(0);
        const left = milliseconds - before;
        // The beat in which it was stopped counts as a whole, or begins anew where it is the last.
        process.run(Math.min(left, Math.max(0, left - 1000)) - 1);
        expect(seen.fired).toBe(0);
        process.run(1001);
        expect(seen.fired).toBe(1);
      },
    ),
    { seed: 1 },
  );
});

test('where every beat ends late the wait still has an end', () => {
  const { process, seen } = after(5000);
  for (let stops = 0; stops < 15; stops++) process.stop(60_000);
  expect(seen.fired).toBe(1);
});

test('a turn of the event loop that takes a little long counts', () => {
  const { process, seen } = after(1500);
  process.stop(1900);
  expect(seen.fired).toBe(1);
});

test('cancelled, it never calls back', () => {
  const { process, seen, timer } = after(2500);
  process.run(1700);
  timer.cancel();
  process.run(10_000);
  expect([seen.fired, process.timers]).toEqual([0, 0]);
});

test('a wall clock that jumps neither keeps restarts in the budget for ever nor lets them through at once', () => {
  const budget = { maxRestarts: 3, withinSeconds: 60, backoffMilliseconds: 1, maxBackoffMilliseconds: 1 };
  const restarts = [1_000_000, 1_010_000];
  expect(recentRestarts(restarts, 1_020_000, budget)).toEqual(restarts);
  expect(recentRestarts(restarts, 1_020_000 + 3_600_000, budget)).toEqual([]);
  expect(recentRestarts([4_600_000, 4_610_000], 1_020_000, budget)).toEqual([]);
  expect(recentRestarts(restarts, 1_005_000, budget)).toEqual(restarts);
});
