/**
 * Supervises the dashboard: an uncaught error in it closes it and starts it again on the same port, within the budget
 * of `supervision`; past the budget it stays closed. The loop is not affected.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout } from 'node:timers/promises';
import { withDeadline } from '../lib/deadline.ts';
import { backoff, recentRestarts } from '../../actors/supervise.ts';
import type { Dashboard } from '../../dashboards/server/server.ts';
import type { Config } from '../config/schema.ts';

const CLOSE_SECONDS = 5;
/** True in every async context that began in the server: its sockets, timers and promises. */
const inDashboard = new AsyncLocalStorage<true>();
/** Recognises the server's errors by their stack if the async context is lost. */
const OUR_FILES = /[\\/]dashboards[\\/]server[\\/]/;

export interface SupervisedParts {
  readonly start: (port: number) => Promise<Dashboard>;
  readonly port: number;
  readonly budget: Config['supervision'];
  readonly ownsProcess: boolean;
  readonly failed: (error: unknown) => void;
  readonly note: (text: string) => void;
}

/** Runs work that a page requests but the daemon does, so that its errors count as the daemon's. */
export function outsideDashboard<R>(work: () => R): R {
  return inDashboard.exit(work);
}

/** @throws what the first start throws. */
export async function superviseDashboard(parts: SupervisedParts): Promise<Dashboard> {
  const first = await inDashboard.run(true, () => parts.start(parts.port));
  return new Supervised(first, parts);
}

class Supervised implements Dashboard {
  readonly port: number;
  readonly url: string;
  readonly links: Dashboard['links'];
  readonly #parts: SupervisedParts;
  readonly #stop = new AbortController();
  #current: Dashboard | undefined;
  #restarts: readonly number[] = [];
  #mending: Promise<void> | undefined;

  constructor(first: Dashboard, parts: SupervisedParts) {
    this.#current = first;
    ({ port: this.port, url: this.url, links: this.links } = first);
    this.#parts = parts;
    if (parts.ownsProcess) process.on('uncaughtException', this.#onUncaught);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#mending;
    await this.#closeCurrent();
    process.off('uncaughtException', this.#onUncaught);
  }

  readonly #onUncaught = (error: unknown): void => {
    const isOurs = inDashboard.getStore() === true || (error instanceof Error && OUR_FILES.test(error.stack ?? ''));
    if (isOurs) return outsideDashboard(() => this.#fail(error));
    // The error is another part's: end the process, as without a listener.
    process.off('uncaughtException', this.#onUncaught);
    setImmediate(() => {
      throw error;
    });
  };

  #fail(error: unknown): void {
    this.#parts.failed(error);
    if (this.#stop.signal.aborted) return;
    this.#mending ??= this.#mend(error).finally(() => (this.#mending = undefined));
  }

  async #mend(cause: unknown): Promise<void> {
    const { budget, start, note, failed } = this.#parts;
    const { signal } = this.#stop;
    await this.#closeCurrent();
    while (!signal.aborted) {
      const recent = recentRestarts(this.#restarts, Date.now(), budget);
      if (recent.length >= budget.maxRestarts) {
        note(
          `the dashboard failed ${recent.length + 1} times in ${budget.withinSeconds} seconds and stays closed; the loop runs on: ${String(cause)}`,
        );
        return;
      }
      this.#restarts = [...recent, Date.now()];
      await setTimeout(backoff(recent.length, budget), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#current = await inDashboard.run(true, () => start(this.port));
        note(`the dashboard failed and was started again: ${String(cause)}`);
        return;
      } catch (error) {
        failed(error);
      }
    }
  }

  async #closeCurrent(): Promise<void> {
    const closing = this.#current;
    this.#current = undefined;
    if (!closing) return;
    const { signal } = new AbortController();
    await withDeadline('closing the dashboard', CLOSE_SECONDS, signal, () => closing.close()).catch(this.#parts.failed);
  }
}
