/**
 * Runs a plug-in in its own worker thread: for long computations, or when it must not share the daemon's heap. A call
 * that is cancelled or past its deadline terminates the thread, so even an endless loop ends; the next call gets a new
 * thread. `questions`, `label`, `weights` and `next` are missing there: they would be calls back to the daemon.
 */
import { Piscina } from 'piscina';
import { fromErrorData, UnsupportedError } from '../protocol/errors.ts';
import type { PortName, Ports } from '../protocol/ports.ts';
import { threadEntry } from '../lib/thread-entry.ts';
import type { Services } from './load.ts';
import { PORT_TABLE } from './port-table.ts';
import type { ThreadReply, ThreadTask, ThreadWord } from './thread-worker.ts';

export interface ThreadOptions {
  readonly name: string;
  /** File or package. */
  readonly specifier: string;
  /** What it is resolved from. */
  readonly from: string;
  readonly options: unknown;
  /**
   * Largest heap; a plug-in that grows past it is restarted. A single allocation of this size cannot be caught: V8
   * aborts the whole process.
   */
  readonly heapMegabytes: number;
}

export interface PluginThread {
  open<Name extends PortName>(port: Name, services: Services<Name>): Promise<Ports[Name]>;
  close(): Promise<void>;
}

/** Unless the configuration asks for another. */
export const HEAP_MEGABYTES = 512;
/** Maximum of concurrent calls in the thread: one per port. */
const MAX_CALLS = 13;
const MAX_QUEUE = 64;

export function openThread(options: ThreadOptions): PluginThread {
  const pool = new Piscina({
    ...threadEntry('./thread-worker', import.meta.url),
    workerData: options,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Infinity,
    // The default stops a thread's timers and sockets between calls.
    atomics: 'disabled',
    concurrentTasksPerWorker: MAX_CALLS,
    maxQueue: MAX_QUEUE,
    resourceLimits: { maxOldGenerationSizeMb: options.heapMegabytes },
  });
  const ears = new Map<number, Pick<Services, 'tell' | 'stop'>>();
  pool.on('message', ({ opened, type, text }: ThreadWord) => ears.get(opened)?.[type](text));
  let opened = 0;
  return {
    async open(port, { seed, folder, base, limits, prompts, signal, tell, stop }) {
      const number = opened++;
      ears.set(number, { tell, stop });
      signal.addEventListener('abort', () => ears.delete(number), { once: true });
      const run = async (task: Pick<ThreadTask, 'type' | 'request'>, cancel: AbortSignal): Promise<unknown> => {
        const reply = (await pool.run(
          { ...task, opened: number, port, seed, folder, base, limits, prompts } satisfies ThreadTask,
          {
            signal: cancel,
          },
        )) as ThreadReply;
        if (reply.error) throw fromErrorData(reply.error);
        return reply.value;
      };
      await run({ type: 'open', request: undefined }, signal);
      const call = (request: unknown, cancel: AbortSignal) => run({ type: 'call', request }, cancel);
      const bare = (cancel: AbortSignal) => call(undefined, cancel);
      return (PORT_TABLE[port].hasRequest ? call : bare) as unknown as Ports[typeof port];
    },
    close: () => pool.close({ force: true }),
  };
}

export function notInThread(what: string): never {
  throw new UnsupportedError(`${what} is not there in a worker thread: list the plug-in without thread: true`);
}
