/**
 * The threads of one role, each with a warm model. Every wait has a name and an end: cancelling is cooperative (a flag
 * that the worker reads), a task that shows no progress within its deadline costs its thread, and a thread that died is
 * replaced. One that does not come back from native code cannot be ended; it is left behind, and another takes its
 * place.
 */
import '../engine/no-telemetry.ts';
import { Piscina } from 'piscina';
import { CancelledError, fromErrorData, TimeoutError, WorkerError } from '../../protocol/errors.ts';
import type { TaskFlags, WorkerCall, WorkerReply, WorkerTask, WorkerValues } from '../../protocol/worker.ts';
import { threadEntry } from '../../lib/thread-entry.ts';
import { threadEnvironment } from '../../lib/thread-environment.ts';
import { leaveNative, outOfNative, PROGRESS, taskFlags } from '../engine/native.ts';
import { watchTask } from './task-deadline.ts';
import type { WorkerSetup } from './worker.ts';

export interface PoolOptions {
  readonly setup: WorkerSetup;
  readonly threads: number;
  /** Tasks that may wait for a thread. */
  readonly maxQueue: number;
  /** How long a thread may take to load its model. */
  readonly startSeconds: number;
}

export interface RunOptions {
  /** Names the wait in errors: "sampling 32 questions". */
  readonly doing: string;
  /** Without progress. */
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * How long a thread that is to be ended may stay in native code, where it cannot be ended; or as long as the task's
 * deadline, where that is shorter.
 */
const NATIVE_SECONDS = 30;
/** How long a pool that is closed waits for the programs that its threads run. */
const CLOSE_SECONDS = 60;
/** Threads that may be left behind in native code, each with its copy of the model, until calls are refused. */
const MOST_LEFT = 1;

/** How long an exit of the process waits for the programs that its threads run. */
const EXIT_SECONDS = 2;
/** A task that a pool has. */
interface InHand {
  readonly flags: TaskFlags;
  /** Takes the task out of the queue, or ends its thread: the last resort. */
  readonly kill: AbortController;
  /** Where it waits or runs. */
  pool?: Piscina;
  /** With its thread, in native code. */
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
  /**
   * Of threads that are being ended: what comes next waits for it, so as not to queue behind one that may be left
   * behind.
   */
  readonly #ends = new Set<Promise<boolean>>();
  /** Each with a thread that does not come back from native code. */
  readonly #behind = new Set<Piscina>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Starts the threads and waits until every one has its model. @throws what kept a thread from starting, TimeoutError
   */
  async ready(): Promise<void> {
    const { threads, startSeconds, setup } = this.#options;
    const calls = Array.from({ length: threads }, () =>
      this.run({ type: 'ready' }, { doing: `starting the ${setup.role} threads`, seconds: startSeconds }),
    );
    await Promise.all(calls);
  }

  /** @throws CancelledError, TimeoutError, WorkerError when the thread died, or what the worker threw */
  async run<C extends WorkerCall>(call: C, { doing, seconds, signal }: RunOptions): Promise<WorkerValues[C['type']]> {
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
    const performed = this.#perform(call, task);
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

  /** @throws WorkerError when no task can be taken now */
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

  /** @returns whether the thread could be ended; otherwise it and what waits behind it are out of the pool. */
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

  async #perform<C extends WorkerCall>(call: C, task: InHand): Promise<WorkerValues[C['type']]> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
    if (this.#closed) throw new WorkerError(`the ${this.#options.setup.role} threads were closed`);
    const pool = (task.pool = this.#pool ??= this.#start());
    let reply: WorkerReply;
    try {
      reply = (await pool.run({ call, flags: task.flags } satisfies WorkerTask, {
        signal: task.kill.signal,
      })) as WorkerReply;
    } catch (error) {
      throw new WorkerError(
        `the ${this.#options.setup.role} thread failed during "${call.type}": ${(error as Error).message}`,
        { cause: error },
      );
    }
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
    // A thread that fails outside of a task, or while it starts, may not be replaced by Piscina: who waits is told, and
    // the next call starts a new pool.
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
    // A thread that is still there ends with the process.
    if (out.every(Boolean)) await pool.destroy();
  }
}
