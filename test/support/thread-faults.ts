/**
 * Faults in the compute threads of this process, for tests: made before the threads start, then ordered for a stage of
 * the loop. A thread takes an order up at the next call of that stage, once or as often as ordered (faulty-thread.ts).
 */
import { createRequire } from 'node:module';
import threads, { setEnvironmentData, type Worker, type WorkerOptions } from 'node:worker_threads';

/** Calls of the threads, by what the loop does with them; `start` is before the first. */
export const STAGES = ['start', 'sample', 'evaluate', 'learn', 'save'] as const;
export type Stage = (typeof STAGES)[number];

/**
 * `exit`: the thread ends before the work. `kill`: it is ended once the work is done, before anybody is told. `hang`:
 * it does nothing, for ever. `stuck`: it is in native code for ever. `slow`: it takes three seconds, and shows
 * progress. `memory`: it takes memory until its heap is full. `weights`, `moments`: what it was handed holds a NaN, and
 * what it keeps of that too. `program`: the next program that it hands to ONNX Runtime has flipped bytes.
 */
export const FAULTS = [
  'none',
  'exit',
  'kill',
  'hang',
  'stuck',
  'slow',
  'memory',
  'weights',
  'moments',
  'program',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Under which the threads find the orders: for each stage [fault, times left, times taken]. */
export const KEY = 'faults of a test';
export const CHANNEL = 'kill me';

/** Piscina looks the class up here when it starts a thread. */
const shared = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };

export class ThreadFaults implements Disposable {
  readonly #orders = new Int32Array(new SharedArrayBuffer(4 * 3 * STAGES.length));
  readonly #running = new Map<number, Worker>();
  readonly #channel = new threads.BroadcastChannel(CHANNEL);
  readonly #whole = shared.Worker;

  constructor() {
    // See built-thread-entry.ts.
    process.env['QUORUM_TEST_THREADS'] = 'source';
    setEnvironmentData(KEY, this.#orders);
    const running = this.#running;
    shared.Worker = class extends this.#whole {
      constructor(filename: string | URL, options: WorkerOptions = {}) {
        super(filename, isCompute(options) ? withFaults(options) : options);
        const id = this.threadId;
        running.set(id, this);
        this.once('exit', () => running.delete(id));
      }
    };
    const messages = this.#channel as unknown as EventTarget;
    messages.addEventListener(
      'message',
      (event) => void running.get((event as MessageEvent & { data: number }).data)?.terminate(),
    );
    this.#channel.unref();
  }

  /** Replaces the stage's order before it. */
  order(stage: Stage, fault: Fault, times = 1): void {
    const at = 3 * STAGES.indexOf(stage);
    for (const [i, value] of [FAULTS.indexOf(fault), times, 0].entries()) Atomics.store(this.#orders, at + i, value);
  }

  /** How often the stage's order was taken up. */
  taken(stage: Stage): number {
    return Atomics.load(this.#orders, 3 * STAGES.indexOf(stage) + 2);
  }

  [Symbol.dispose](): void {
    shared.Worker = this.#whole;
    this.#channel.close();
    setEnvironmentData(KEY, undefined);
    delete process.env['QUORUM_TEST_THREADS'];
  }
}

const isCompute = ({ workerData }: WorkerOptions): boolean =>
  (workerData as { readonly role?: unknown } | undefined)?.role !== undefined;

function withFaults(options: WorkerOptions): WorkerOptions {
  const faulty = new URL('./faulty-thread.ts', import.meta.url).href;
  return {
    ...options,
    execArgv: [...(options.execArgv ?? []), '--import', faulty],
    resourceLimits: { maxOldGenerationSizeMb: 160 },
  };
}
