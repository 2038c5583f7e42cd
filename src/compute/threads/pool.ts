/**
 * The threads of one role, each with a warm model. Every wait has a name and an end: cancelling is cooperative (a flag
 * that the worker reads), a task without progress within its deadline costs its thread, and the pool replaces a thread
 * that died. A thread that does not return from native code cannot be terminated: the pool abandons it and starts
 * another.
 */
import '../engine/no-telemetry.ts';
import { Piscina } from 'piscina';
import { CancelledError, fromErrorData, TimeoutError, WorkerError } from '../../protocol/errors.ts';
import type { Port } from '../../protocol/passes.ts';
import type { TaskFlags, WorkerCall, WorkerReply, WorkerTask, WorkerValues } from '../../protocol/worker.ts';
import { threadEntry } from '../../lib/thread-entry.ts';
import { threadEnvironment } from '../../lib/thread-environment.ts';
import { leaveNative, outOfNative, PROGRESS, taskFlags } from '../engine/native.ts';
import { watchTask } from './task-deadline.ts';
import { warn, type Note } from '../training/out-of-memory.ts';
import type { WorkerSetup } from './worker.ts';

export interface PoolOptions {
  readonly setup: WorkerSetup;
  readonly threads: number;
  /** Maximum of tasks that wait for a thread. */
  readonly maxQueue: number;
  /** How long a thread may take to load its model. */
  readonly startSeconds: number;
}

export interface RunOptions {
  /** Names the wait in errors: "sampling 32 questions". */
  readonly doing: string;
  /** Deadline without progress. */
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
  /** Ports in the call, which the thread gets. */
  readonly transfer?: readonly Port[] | undefined;
}

/** Before terminating a thread, wait this long for it to leave native code, or for the task's deadline if shorter. */
const NATIVE_SECONDS = 30;
/** When it closes, a pool waits this long for running programs. */
const CLOSE_SECONDS = 60;
/** Maximum of abandoned threads in native code, each with a copy of the model; beyond it, calls are refused. */
const MOST_LEFT = 1;

/** At exit, the process waits this long for running programs. */
const EXIT_SECONDS = 2;
/** A queued or running task of a pool. */
interface InHand {
  readonly flags: TaskFlags;
  /** Removes the task from the queue or terminates its thread: the last resort. */
  readonly kill: AbortController;
  /** The pool that queues or runs it. */
  pool?: Piscina;
  /** Whether it was abandoned with its thread, in native code. */
  isLeft?: boolean;
}

/** Tasks in flight, over all pools. */
const everywhere = new Set<TaskFlags>();
process.on('exit', () => leaveNative(everywhere, EXIT_SECONDS));

export class WorkerPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  #pool: Piscina | undefined;
  #closed = false;
  readonly #inFlight = new Set<InHand>();
  /** Pending terminations. New tasks wait for them, so that none queues behind a thread that may be abandoned. */
  readonly #ends = new Set<Promise<boolean>>();
  /** Pools with a thread that does not return from native code. */
  readonly #behind = new Set<Piscina>();
  /** Takes the threads' notes. */
  note: Note = warn;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Tasks in hand for each thread. */
  get load(): number {
    return this.#inFlight.size / this.#options.threads;
  }

  /**
   * Starts the threads and waits until every one has its model. @throws the error of a thread that cannot start, TimeoutError
   */
  async ready(): Promise<void> {
    const { threads, startSeconds, setup } = this.#options;
    const calls = Array.from({ length: threads }, () =>
      this.run({ type: 'ready' }, { doing: `starting the ${setup.role} threads`, seconds: startSeconds }),
    );
    await Promise.all(calls);
  }

  /** @throws CancelledError, TimeoutError, WorkerError when the thread died, or the worker's own error. */
  async run<C extends WorkerCall>(
    call: C,
    { doing, seconds, signal, transfer }: RunOptions,
  ): Promise<WorkerValues[C['type']]> {
    this.#refuse(doing);
    const cancelled = (): boolean => signal?.aborted === true;
    if (cancelled()) throw new CancelledError(`${doing} was cancelled before it began`);
    const task: InHand = { flags: taskFlags(), kill: new AbortController() };
    let end: Promise<boolean> | undefined;
    let leave = (): void => {};
    const left = new Promise<undefined>((resolve) => (leave = () => resolve(undefined)));
    const giveUp = (): void => {
      end = this.#end(task, seconds);
      void end.then((isEnded) => isEnded || leave());
    };
    const stop = watchTask({ flags: task.flags, seconds, signal, ofThePool: () => this.#progress(), giveUp });
    this.#inFlight.add(task);
    everywhere.add(task.flags);
    const performed = this.#perform(call, task, transfer);
    const settled = (): void => this.#settled(task);
    performed.then(settled, settled);
    try {
      const value = await Promise.race([performed, left]);
      if (value !== undefined) return value;
      throw new TimeoutError(
        `${doing} showed no progress in ${seconds} s; its thread does not come back from native code and is left behind`,
      );
    } catch (error) {
      if (end === undefined || !(await end)) throw error;
      if (cancelled()) throw new CancelledError(`${doing} was cancelled and its thread, which did not notice, ended`);
      throw new TimeoutError(`${doing} showed no progress in ${seconds} s; its thread was ended`);
    } finally {
      stop();
    }
  }

  /** @throws WorkerError when the pool takes no task now. */
  #refuse(doing: string): void {
    const { setup, threads, maxQueue } = this.#options;
    if (this.#closed) throw new WorkerError(`${doing}: the ${setup.role} threads were closed`);
    if (this.#behind.size > MOST_LEFT)
      throw new WorkerError(
        `${doing}: ${this.#behind.size} ${setup.role} threads do not come back from native code; start again`,
      );
    // Piscina does not count tasks that can be aborted against its own `maxQueue`.
    const waiting = [...this.#inFlight].filter(({ isLeft }) => isLeft !== true).length;
    if (waiting >= threads + maxQueue)
      throw new WorkerError(`${doing}: ${waiting} tasks wait for the ${setup.role} threads already`);
  }

  /** @returns whether the thread was terminated; otherwise the pool abandons it with the tasks queued behind it. */
  #end(task: InHand, seconds: number): Promise<boolean> {
    const grace = Math.max(1, Math.min(NATIVE_SECONDS, seconds));
    const end = outOfNative(task.flags, () => this.#inFlight.has(task), grace).then((isOut) => {
      if (isOut) task.kill.abort();
      else this.#leave(task);
      this.#ends.delete(end);
      return isOut;
    });
    this.#ends.add(end);
    return end;
  }

  /** The next call starts other threads. */
  #leave(task: InHand): void {
    const pool = task.pool!;
    task.isLeft = true;
    this.#behind.add(pool);
    if (this.#pool === pool) this.#pool = undefined;
    for (const other of this.#inFlight)
      if (other.pool === pool && Atomics.load(other.flags, PROGRESS) === 0) other.kill.abort();
  }

  #settled(task: InHand): void {
    this.#inFlight.delete(task);
    everywhere.delete(task.flags);
    const { pool } = task;
    if (!pool || !this.#behind.has(pool) || [...this.#inFlight].some((other) => other.pool === pool)) return;
    this.#behind.delete(pool);
    void this.#destroy(pool);
  }

  #progress(): number {
    return [...this.#inFlight].reduce((sum, { flags }) => sum + Atomics.load(flags, PROGRESS), 0);
  }

  async #perform<C extends WorkerCall>(
    call: C,
    task: InHand,
    transfer: readonly Port[] = [],
  ): Promise<WorkerValues[C['type']]> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
    if (this.#closed) throw new WorkerError(`the ${this.#options.setup.role} threads were closed`);
    const pool = (task.pool = this.#pool ??= this.#start());
    let reply: WorkerReply;
    try {
      reply = (await pool.run({ call, flags: task.flags } satisfies WorkerTask, {
        signal: task.kill.signal,
        transferList: [...transfer] as unknown as NonNullable<Parameters<Piscina['run']>[1]>['transferList'],
      })) as WorkerReply;
    } catch (error) {
      throw new WorkerError(
        `the ${this.#options.setup.role} thread failed during "${call.type}": ${(error as Error).message}`,
        { cause: error },
      );
    }
    reply.notes.forEach((text) => this.note(text));
    if (reply.type === 'error') throw fromErrorData(reply.error);
    return reply.value as WorkerValues[C['type']];
  }

  #start(): Piscina {
    const { setup, threads } = this.#options;
    const pool = new Piscina({
      ...threadEntry('./worker', import.meta.url),
      workerData: setup,
      env: threadEnvironment(),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: Infinity,
    });
    // Piscina may not replace a thread that fails outside of a task or during its start: reject the waiting calls, and
    // start a new pool at the next call.
    const giveUp = (): void => {
      if (this.#pool !== pool) return;
      this.#pool = undefined;
      void this.#destroy(pool);
    };
    pool.on('error', giveUp);
    pool.on('workerDestroy', () => setImmediate(() => pool.threads.length === 0 && giveUp()));
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const pool = this.#pool;
    this.#pool = undefined;
    if (pool) await this.#destroy(pool);
  }

  async #destroy(pool: Piscina): Promise<void> {
    const tasks = [...this.#inFlight].filter((task) => task.pool === pool);
    const out = await Promise.all(
      tasks.map((task) => outOfNative(task.flags, () => this.#inFlight.has(task), CLOSE_SECONDS)),
    );
    // A thread that still runs ends with the process.
    if (out.every(Boolean)) await pool.destroy();
  }
}
