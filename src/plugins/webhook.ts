/**
 * Posts each event as JSON to an address. Failed posts are retried with growing delays; the queue is bounded and drops
 * its oldest events. Events of one run arrive in order, each with its own number in `x-quorum-delivery`, by which a
 * receiver recognises duplicates. A responsive receiver gets the last version and its evaluation before the daemon
 * ends; events queued for an unresponsive one are lost when the daemon stops.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION, definePlugin, type PortContext } from 'quorum';
import { z } from 'zod';
import { eventLine, eventTypes } from './shared/brief.ts';

const options = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).describe('Where to post.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers, such as `authorization`.'),
  events: eventTypes,
  tokens: z.boolean().default(false).describe('Also tokens and their log-probabilities, most of the bytes.'),
  timeoutSeconds: z.number().positive().max(3600).default(10).describe('How long one attempt may take.'),
  attempts: z.int().min(1).max(100).default(6).describe('After so many the event is given up.'),
  backoffMilliseconds: z
    .int()
    .positive()
    .default(500)
    .describe('Wait before the second attempt; it doubles with each.'),
  maxBackoffMilliseconds: z.int().positive().default(60_000).describe('Longest wait before an attempt.'),
  maxWaiting: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('Events that wait, at most; beyond it the oldest is given up.'),
});

/**
 * For so long a version or an evaluation is waited for, while the receiver answers: a stop waits for watchers, not for
 * what they have in hand.
 */
const WAIT_MILLISECONDS = 3_000;

type Context = PortContext<z.output<typeof options>, 'watch'>;

interface Delivery {
  readonly id: string;
  readonly body: string;
}

export default definePlugin({
  name: 'webhook',
  apiVersion: API_VERSION,
  options,
  ports: {
    watch: (context) => {
      const { events, tokens } = context.options;
      const sender = new Sender(context);
      return async (event, signal) => {
        if (!events.includes(event.type)) return;
        sender.send({ id: randomUUID(), body: eventLine(event, { tokens, at: Date.now() }) });
        if (event.type !== 'judged') await sender.settled(signal);
      };
    },
  },
});

class Sender {
  readonly #context: Context;
  readonly #waiting: Delivery[] = [];
  #isBusy = false;
  /** The last attempt was answered well, and in time. */
  #isAnswered = true;
  #wakers: (() => void)[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  send(delivery: Delivery): void {
    const { options, tell } = this.#context;
    this.#waiting.push(delivery);
    if (this.#waiting.length > options.maxWaiting) {
      this.#waiting.shift();
      tell(`an event is given up: ${options.maxWaiting} wait for ${addressOf(options.url)} already`);
    }
    if (!this.#isBusy) void this.#work();
  }

  /** Resolves when all is delivered, or the receiver turns out not to answer. */
  async settled(signal: AbortSignal): Promise<void> {
    if (!this.#isBusy || !this.#isAnswered) return;
    const timer = new AbortController();
    const late = sleep(WAIT_MILLISECONDS, 'late', { signal: AbortSignal.any([signal, timer.signal]) }).catch(
      () => 'late',
    );
    const woken = new Promise<string>((resolve) => this.#wakers.push(() => resolve('woken')));
    if ((await Promise.race([late, woken])) === 'late') this.#isAnswered = false;
    timer.abort();
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  async #work(): Promise<void> {
    const { signal, tell } = this.#context;
    this.#isBusy = true;
    for (let delivery = this.#waiting.shift(); delivery && !signal.aborted; delivery = this.#waiting.shift()) {
      const problem = await this.#deliver(delivery);
      if (problem !== undefined && !signal.aborted) tell(`an event is given up: ${problem}`);
    }
    this.#isBusy = false;
    this.#wake();
  }

  /** @returns why it was given up. */
  async #deliver(delivery: Delivery): Promise<string | undefined> {
    const { options, signal } = this.#context;
    let problem: string | undefined;
    for (let attempt = 1; attempt <= options.attempts && !signal.aborted; attempt++) {
      if (attempt > 1) await sleep(pause(attempt, options), undefined, { signal }).catch(() => {});
      const outcome = await this.#post(delivery);
      this.#isAnswered = outcome === 'delivered';
      if (outcome === 'delivered') return undefined;
      this.#wake();
      problem = `${addressOf(options.url)}: ${outcome.problem}`;
      if (!outcome.mayPass) return problem;
    }
    return `${problem} (${options.attempts} attempts)`;
  }

  async #post({ id, body }: Delivery): Promise<'delivered' | { readonly problem: string; readonly mayPass: boolean }> {
    const { options, signal } = this.#context;
    try {
      const { url, headers } = target(options);
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'x-quorum-delivery': id },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutSeconds * 1000)]),
      });
      await response.body?.cancel();
      if (response.ok) return 'delivered';
      const { status } = response;
      return { problem: `it answered ${status}`, mayPass: status >= 500 || status === 408 || status === 429 };
    } catch (error) {
      const { message, cause } = error as Error;
      return { problem: cause instanceof Error ? `${message}: ${cause.message}` : message, mayPass: true };
    }
  }
}

function pause(attempt: number, { backoffMilliseconds, maxBackoffMilliseconds }: Context['options']): number {
  return Math.min(maxBackoffMilliseconds, backoffMilliseconds * 2 ** (attempt - 2));
}

/** `fetch` refuses an address with a user and puts all of it into the error: the user goes into a header instead. */
function target({ url, headers }: Pick<Context['options'], 'url' | 'headers'>): {
  readonly url: URL;
  readonly headers: Record<string, string>;
} {
  const address = new URL(url);
  const { username, password } = address;
  if (username === '' && password === '') return { url: address, headers };
  [address.username, address.password] = ['', ''];
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { url: address, headers: { authorization: `Basic ${credentials}`, ...headers } };
}

/** Without the query and the user, which may be secret. */
function addressOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
