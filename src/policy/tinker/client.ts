/**
 * Requests to a Tinker API server. One request asks for work, and others fetch its result (`retrieve_future`); these may
 * be repeated. After an answer of 429 or 503, and when no connection was made, the server has not taken a request, so the
 * client sends it again, with back-off. After any other failure that may pass, it does so only where a repetition changes
 * nothing. The key comes from the environment and is in no message.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { withDeadline } from '../../lib/deadline.ts';
import { tellProgress } from '../../lib/progress.ts';
import { failed, future, refusal, tryAgain } from './wire.ts';

export interface ClientOptions {
  readonly url: string;
  readonly key: string | undefined;
  /** Requests in hand at most; the others wait here. */
  readonly maxInHand: number;
  readonly backoffMilliseconds: number;
}

export interface Request<T> {
  /** Completes "the server was ...": names the wait in messages. */
  readonly doing: string;
  /** Path below `/api/v1`. */
  readonly path: string;
  readonly body: unknown;
  readonly schema: z.ZodType<T>;
  /** Whether the same request twice does the same as once. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The server refuses for good: no repetition helps. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The work that was asked for has no result and will have none. */
export class LostError extends Error {}

/** A failure that may pass. */
class PassingError extends Error {
  readonly wasTaken: boolean;
  readonly waitMilliseconds: number;

  /** @param wasTaken whether the server may have taken the request. */
  constructor(message: string, wasTaken: boolean, waitMilliseconds = 0) {
    super(message);
    this.wasTaken = wasTaken;
    this.waitMilliseconds = waitMilliseconds;
  }
}

const ATTEMPTS = 8;
/** How often repeatable work is asked for in all, when its result is lost. */
const ASKED = 3;
const MOST_WAIT_MILLISECONDS = 60_000;
/** Of one HTTP request; a server holds a request for a result open for up to five minutes. */
const REQUEST_SECONDS = 330;
const RESULT = '/retrieve_future';
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

export class TinkerClient {
  readonly #base: string;
  readonly #options: ClientOptions;
  readonly #waiting: (() => void)[] = [];
  #inHand = 0;

  constructor(options: ClientOptions) {
    const { origin, pathname } = new URL(options.url);
    this.#base = `${origin}${pathname.replace(/\/$/, '')}`;
    this.#options = options;
  }

  get #headers(): Record<string, string> {
    const { key } = this.#options;
    return { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) };
  }

  /** The address without user and query, which may be secret. */
  get name(): string {
    return this.#base;
  }

  /**
   * Asks for work and waits for its result. @throws TimeoutError after `seconds` in all, RefusedError, LostError, Error
   * when repetitions do not help.
   */
  async result<T>(request: Request<T>, seconds: number): Promise<T> {
    return withDeadline(`${this.#base}: ${request.doing}`, seconds, request.signal, async (signal) => {
      for (let asked = 1; ; asked++) {
        const { request_id } = await this.call({ ...request, schema: future, signal });
        try {
          const value = await this.#fetched({ ...request, signal }, request_id);
          tellProgress(request.signal);
          return value;
        } catch (error) {
          if (!(error instanceof LostError) || request.repeatable !== true || asked === ASKED) throw error;
        }
      }
    });
  }

  /** Waits for the result of work that was asked for. @throws like `result` */
  made<T>(request: Request<T>, { request_id }: { readonly request_id: string }, seconds: number): Promise<T> {
    return withDeadline(`${this.#base}: ${request.doing}`, seconds, request.signal, (signal) =>
      this.#fetched({ ...request, signal }, request_id),
    );
  }

  async #fetched<T>({ doing, schema, signal }: Request<T>, request_id: string): Promise<T> {
    for (;;) {
      const request = { doing, path: RESULT, body: { request_id }, repeatable: true, signal };
      const answer = await this.#call(request, (text) => {
        const value = json(text);
        if (tryAgain.safeParse(value).success) return undefined;
        const failure = failed.safeParse(value);
        if (failure.success) throw failedAs(failure.data, `${this.#base}: ${doing}`);
        return { value: this.#parsed(schema, text, RESULT) };
      });
      if (answer) return answer.value;
      await sleep(this.#options.backoffMilliseconds, undefined, { signal });
    }
  }

  /** The bytes that a path gives, perhaps from another server, which does not get the key. */
  async download(path: string, seconds: number): Promise<Uint8Array> {
    const asked = { headers: this.#headers, redirect: 'manual', signal: AbortSignal.timeout(1_000 * seconds) } as const;
    let response = await fetch(`${this.#base}/api/v1${path}`, asked);
    const place = response.headers.get('location');
    if (place !== null) {
      const target = new URL(place, this.#base);
      const headers = target.origin === new URL(this.#base).origin ? this.#headers : {};
      response = await fetch(target, { ...asked, headers, redirect: 'follow' });
    }
    if (!response.ok) throw new RefusedError(response.status, `${this.#base}${path} answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Asks the server to delete what it keeps. A failure changes nothing: the server then keeps it. */
  async delete(path: string): Promise<void> {
    const asked = { method: 'DELETE', headers: this.#headers, signal: AbortSignal.timeout(10_000) };
    await fetch(`${this.#base}/api/v1${path}`, asked).catch(() => {});
  }

  /** Sends a request that the server answers without further requests. */
  call<T>(request: Request<T>): Promise<T> {
    return this.#call(request, (text) => this.#parsed(request.schema, text, request.path));
  }

  async #call<T>(request: Omit<Request<unknown>, 'schema'>, read: (text: string) => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return read(await this.#inTurn(request));
      } catch (error) {
        request.signal?.throwIfAborted();
        if (!(error instanceof PassingError)) throw error;
        if (error.wasTaken && request.repeatable !== true) throw error;
        if (attempt === ATTEMPTS) throw new Error(`${error.message} (${ATTEMPTS} attempts)`, { cause: error });
        const own = this.#options.backoffMilliseconds * 2 ** (attempt - 1);
        const wait = Math.min(MOST_WAIT_MILLISECONDS, Math.max(own, error.waitMilliseconds));
        await sleep(wait, undefined, { signal: request.signal });
      }
    }
  }

  async #inTurn({ path, body, signal }: Omit<Request<unknown>, 'schema'>): Promise<string> {
    while (this.#inHand >= this.#options.maxInHand) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inHand++;
    try {
      signal?.throwIfAborted();
      return await this.#fetch(path, body, signal);
    } finally {
      this.#inHand--;
      this.#waiting.shift()?.();
    }
  }

  async #fetch(path: string, body: unknown, signal: AbortSignal | undefined): Promise<string> {
    const timeout = AbortSignal.timeout(1_000 * REQUEST_SECONDS);
    const response = await fetch(`${this.#base}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: this.#headers,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
      .then(async (answer) => ({ answer, text: await answer.text() }))
      .catch((error: Error) => {
        const { code, message } = (error.cause ?? error) as { readonly code?: string; readonly message: string };
        throw new PassingError(`${this.#base}${path}: ${message}`, !UNSENT.has(code ?? ''));
      });
    return this.#accepted(response.answer, response.text, path);
  }

  #accepted({ ok, status, headers }: Response, text: string, path: string): string {
    if (ok) return text;
    if (status === 408 && path === RESULT) return '{"type":"try_again"}';
    const said = refusal.safeParse(json(text));
    const words = `${this.#base}${path} answered ${status}: ${said.success ? said.data : shortened(text)}`;
    const wait = 1_000 * Number(headers.get('retry-after') ?? 0) || 0;
    if (status === 429 || status === 503) throw new PassingError(words, false, wait);
    if (status === 408 || status === 425 || status >= 500) throw new PassingError(words, true, wait);
    throw path === RESULT ? new LostError(words) : new RefusedError(status, words);
  }

  #parsed<T>(schema: z.ZodType<T>, text: string, path: string): T {
    const parsed = schema.safeParse(json(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new PassingError(
      `the answer of ${this.#base}${path} does not fit the Tinker API: ${issue?.path.join('.')}: ${issue?.message}; it begins ${shortened(text)}`,
      true,
    );
  }
}

function failedAs({ error, category }: z.output<typeof failed>, what: string): Error {
  return category === 'user' ? new RefusedError(400, `${what}: ${error}`) : new LostError(`${what}: ${error}`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)} ...` : text || 'nothing');
