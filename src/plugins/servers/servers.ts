/**
 * Several servers of the same model: each request goes to the one with the fewest in hand, and again to another one
 * after a failure that may pass. A server that fails rests before it is asked again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export interface ServerOptions {
  /** As messages name it. */
  readonly kind: string;
  /** Of one request. */
  readonly timeoutSeconds: number;
  readonly attempts: number;
  readonly backoffMilliseconds: number;
  readonly maxBackoffMilliseconds: number;
  /** Requests that a server has in hand at most. */
  readonly maxInHand: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Call<T> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly schema: z.ZodType<T>;
}

/** A server refused a request for good: no attempt will help. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A failure that may pass: no answer, an answer that makes no sense, or a request to try again later. */
export class PassingError extends Error {
  /** As `Retry-After` has it. */
  readonly waitMilliseconds: number;

  constructor(message: string, waitMilliseconds = 0) {
    super(message);
    this.waitMilliseconds = waitMilliseconds;
  }
}

/** How a server says what is wrong: vLLM and SGLang as OpenAI does, SGLang's control calls in two other ways. */
const refusal = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error_message: z.string() }).transform(({ error_message: message }) => message),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

const PASSING = new Set([408, 425, 429]);
const MOST_WAIT_MILLISECONDS = 60_000;

export class Server {
  readonly #url: URL;
  readonly #options: ServerOptions;
  readonly #headers: Record<string, string>;
  readonly #waiting: (() => void)[] = [];
  #inHand = 0;
  #failures = 0;
  /** By `performance.now()`. */
  #restsUntil = 0;
  /** Pieces of work that were given to it and have not ended. */
  load = 0;
  /** Counts losses of the connection, after which the server may be another process. */
  breaks = 0;

  constructor(url: string, options: ServerOptions) {
    const address = new URL(url);
    const { username, password } = address;
    [address.username, address.password] = ['', ''];
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    const basic = username === '' ? {} : { authorization: `Basic ${credentials.toString('base64')}` };
    this.#url = address;
    this.#options = options;
    this.#headers = { ...basic, ...options.headers, 'content-type': 'application/json' };
  }

  /** Without the user and the query, which may be secret. */
  get name(): string {
    return `${this.#url.origin}${this.#url.pathname.replace(/\/$/, '')}`;
  }

  get restMilliseconds(): number {
    return Math.max(0, this.#restsUntil - performance.now());
  }

  /** One attempt. @throws RefusedError, PassingError */
  async call<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
      const value = await this.#fetch(call, signal);
      this.#failures = 0;
      return value;
    } catch (error) {
      if (error instanceof PassingError) this.#rest(error.waitMilliseconds);
      throw error;
    } finally {
      this.#inHand--;
      this.#waiting.shift()?.();
    }
  }

  /** A request that is cancelled while it waits leaves the queue, so that its turn is that of the next one. */
  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inHand < this.#options.maxInHand) {
      this.#inHand++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(signal.reason as Error);
      };
      const take = (): void => {
        signal.removeEventListener('abort', leave);
        this.#inHand++;
        resolve();
      };
      this.#waiting.push(take);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  async #fetch<T>({ method, path, body, schema }: Call<T>, signal: AbortSignal): Promise<T> {
    const timeout = AbortSignal.timeout(1_000 * this.#options.timeoutSeconds);
    const answer = await fetch(`${this.name}${path}`, {
      method,
      headers: this.#headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
      .then(async (response) => ({ response, text: await response.text() }))
      .catch((error: Error) => this.#broken(error, signal, timeout));
    const { response, text } = answer;
    const { status } = response;
    if (response.ok) return this.#parsed(schema, text, path);
    const said = refusal.safeParse(json(text));
    const words = `${this.name}${path} answered ${status}: ${said.success ? said.data : shortened(text)}`;
    if (status >= 500 || PASSING.has(status))
      throw new PassingError(words, 1_000 * Number(response.headers.get('retry-after') ?? 0) || 0);
    throw new RefusedError(status, words);
  }

  #broken(error: Error, signal: AbortSignal, timeout: AbortSignal): never {
    signal.throwIfAborted();
    this.breaks++;
    if (timeout.aborted) throw new PassingError(`${this.name} did not answer within ${this.#options.timeoutSeconds} s`);
    const { message, cause } = error;
    throw new PassingError(`${this.name}: ${message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
  }

  #parsed<T>(schema: z.ZodType<T>, text: string, path: string): T {
    const parsed = schema.safeParse(json(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new PassingError(
      `the answer of ${this.name}${path} does not fit ${this.#options.kind}'s API: ${issue?.path.join('.')}: ${issue?.message}; it begins ${shortened(text)}`,
    );
  }

  #rest(asked: number): void {
    const { backoffMilliseconds, maxBackoffMilliseconds } = this.#options;
    const own = Math.min(maxBackoffMilliseconds, backoffMilliseconds * 2 ** this.#failures++);
    this.#restsUntil = performance.now() + Math.min(MOST_WAIT_MILLISECONDS, Math.max(own, asked));
  }
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text; // /v1/load_lora_adapter answers a plain sentence
  }
};

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)} ...` : text || 'nothing');

/**
 * Does `work` with the server that has the least to do, and again after each failure that may pass, `attempts` times in
 * all. @throws RefusedError, or an Error that has the last failure.
 */
export async function withServer<T>(
  servers: readonly Server[],
  { attempts }: Pick<ServerOptions, 'attempts'>,
  signal: AbortSignal,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const server = next(servers);
    server.load++;
    try {
      if (server.restMilliseconds > 0) await sleep(server.restMilliseconds, undefined, { signal });
      return await work(server);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PassingError)) throw error;
      if (attempt >= attempts) throw new Error(`${error.message} (${attempts} attempts)`, { cause: error });
    } finally {
      server.load--;
    }
  }
}

/** The one that rests least, then the one with the fewest requests. */
function next(servers: readonly Server[]): Server {
  const [best] = servers.toSorted((a, b) => a.restMilliseconds - b.restMilliseconds || a.load - b.load);
  return best!;
}

/** An answer that contradicts itself may be a server that is about to fail: another attempt may succeed. */
export function sound<T>(server: Server, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new PassingError(`${server.name}: ${(error as Error).message}`);
  }
}
