/**
 * The threads of one role, each with a warm model. Every wait has a name and an end: cancelling is cooperative (a flag that the worker
 * reads), a task past its deadline costs its thread, and a thread that died is replaced.
 */
import './no-telemetry.ts';
import { Piscina } from 'piscina';
import { LiveTimer } from '../live-timer.ts';
import { CancelledError, fromErrorData, TimeoutError, WorkerError } from '../protocol/errors.ts';
import type { TaskFlags, WorkerCall, WorkerReply, WorkerTask, WorkerValues } from '../protocol/worker.ts';
import { threadEntry } from '../thread-entry.ts';
import { threadEnvironment } from '../thread-environment.ts';
import { CANCELLED, leaveNative, outOfNative, taskFlags } from './native.ts';
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
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** How long a cancelled task has to notice; one past its deadline has none. */
const CANCEL_GRACE_SECONDS = 30;

/** How long an exit of the process waits for the programs that its threads run. */
const EXIT_SECONDS = 2;
/** Tasks in flight, over all pools. */
const everywhere = new Set<TaskFlags>();
process.on('exit', () => leaveNative(everywhere, EXIT_SECONDS));

export class WorkerPool implements AsyncDisposable {
  readonly #options: PoolOptions;
  #pool: Piscina | undefined;
  #closed = false;
  readonly #inFlight = new Set<TaskFlags>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts the threads and waits until every one has its model. @throws what kept a thread from starting, TimeoutError */
  async ready(): Promise<void> {
    const { threads, startSeconds, setup } = this.#options;
    const calls = Array.from({ length: threads }, () =>
      this.run({ type: 'ready' }, { doing: `starting the ${setup.role} threads`, seconds: startSeconds }),
    );
    await Promise.all(calls);
  }

  /** @throws CancelledError, TimeoutError, WorkerError when the thread died, or what the worker threw */
  async run<C extends WorkerCall>(call: C, { doing, seconds, signal }: RunOptions): Promise<WorkerValues[C['type']]> {
    if (this.#closed) throw new WorkerError(`${doing}: the ${this.#options.setup.role} threads were closed`);
    const { setup, threads, maxQueue } = this.#options;
    // Piscina does not count tasks that can be aborted against its own `maxQueue`.
    if (this.#inFlight.size >= threads + maxQueue)
      throw new WorkerError(`${doing}: ${this.#inFlight.size} tasks wait for the ${setup.role} threads already`);
    const cancelled = (): boolean => signal?.aborted === true;
    if (cancelled()) throw new CancelledError(`${doing} was cancelled before it began`);
    const flags = taskFlags();
    // Aborting Piscina's own signal ends the thread: the last resort.
    const kill = new AbortController();
    let ending = false;
    const end = (): void => {
      ending = true;
      void this.#outOfNative(flags).then(() => kill.abort());
    };
    let deadline = new LiveTimer(end, 1000 * seconds);
    const onAbort = (): void => {
      Atomics.store(flags, CANCELLED, 1);
      deadline.cancel();
      if (signal?.reason instanceof TimeoutError) end();
      else deadline = new LiveTimer(end, 1000 * CANCEL_GRACE_SECONDS);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#inFlight.add(flags);
    everywhere.add(flags);
    try {
      return await this.#perform({ call, flags }, kill.signal);
    } catch (error) {
      if (!ending) throw error;
      if (cancelled()) throw new CancelledError(`${doing} was cancelled and its thread, which did not notice, ended`);
      throw new TimeoutError(`${doing} took more than ${seconds} s; its thread was ended`);
    } finally {
      this.#inFlight.delete(flags);
      everywhere.delete(flags);
      deadline.cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #perform<C extends WorkerCall>(task: WorkerTask & { readonly call: C }, signal: AbortSignal): Promise<WorkerValues[C['type']]> {
    const pool = (this.#pool ??= this.#start());
    let reply: WorkerReply;
    try {
      reply = (await pool.run(task, { signal })) as WorkerReply;
    } catch (error) {
      throw new WorkerError(`the ${this.#options.setup.role} thread failed during "${task.call.type}": ${(error as Error).message}`, {
        cause: error,
      });
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
    // A thread that fails outside of a task, or while it starts, may not be replaced by Piscina: who waits is told, and the next call starts a new pool.
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
    await Promise.all([...this.#inFlight].map((flags) => this.#outOfNative(flags)));
    await pool.destroy();
  }

  #outOfNative(flags: TaskFlags): Promise<void> {
    return outOfNative(flags, () => this.#inFlight.has(flags));
  }
}
