/**
 * Injects faults into the compute threads of this process. A test constructs it before the threads start, then orders a
 * fault for a stage of the loop; the next call of that stage takes the order, as many times as ordered
 * (faulty-thread.ts).
 */
import { createRequire } from 'node:module';
import threads, { setEnvironmentData, type Worker, type WorkerOptions } from 'node:worker_threads';
import { moduleToRun } from './script.ts';

/** Kinds of calls to the threads, by their purpose in the loop; `start` is before the first call. */
export const STAGES = ['start', 'sample', 'evaluate', 'learn', 'save'] as const;
export type Stage = (typeof STAGES)[number];

/**
 * `exit`: the thread ends before the work. `kill`: it is ended after the work, before it replies. `hang`: it spins in
 * JavaScript for ever. `stuck`: it stays in native code for ever. `slow`: it takes three seconds and shows progress.
 * `memory`: it allocates until its heap is full. `weights`, `moments`: the tensors it is handed hold a NaN, and so do
 * its warm copies. `program`: the next program that it hands to ONNX Runtime has flipped bytes. `full`: the next pass
 * of the learner or the scorer finds no memory.
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
  'full',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Key of the orders in the threads' environment data: for each stage [fault, times left, times taken]. */
export const KEY = 'faults of a test';
export const CHANNEL = 'kill me';

/** Piscina takes the class `Worker` from this module object when it starts a thread. */
const shared = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };

export class ThreadFaults implements Disposable {
  readonly #orders = new Int32Array(new SharedArrayBuffer(4 * 3 * STAGES.length));
  readonly #running = new Map<number, Worker>();
  readonly #channel = new threads.BroadcastChannel(CHANNEL);
  readonly #whole = shared.Worker;

  constructor() {
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

  /** How often calls took the stage's order. */
  taken(stage: Stage): number {
    return Atomics.load(this.#orders, 3 * STAGES.indexOf(stage) + 2);
  }

  [Symbol.dispose](): void {
    shared.Worker = this.#whole;
    this.#channel.close();
    setEnvironmentData(KEY, undefined);
  }
}

const isCompute = ({ workerData }: WorkerOptions): boolean =>
  (workerData as { readonly role?: unknown } | undefined)?.role !== undefined;

function withFaults(options: WorkerOptions): WorkerOptions {
  const faulty = moduleToRun(new URL('./faulty-thread.ts', import.meta.url)).href;
  return {
    ...options,
    execArgv: [...(options.execArgv ?? []), '--import', faulty],
    resourceLimits: { maxOldGenerationSizeMb: 160 },
  };
}
