/**
 * 'quorum/rxjs': a plug-in that brings its own RxJS operator. Quorum's actor stays around it, with its deadline and its
 * supervisor.
 */
import { Subject, type OperatorFunction, type Subscription } from 'rxjs';
import { CancelledError } from '../src/protocol/errors.ts';
import type { LoopEvent, Watch } from '../src/protocol/ports.ts';

interface Pending<Output> {
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Requests go through one stream for the lifetime of the port, so the operator may keep state; each request must give
 * one output, its reply. A cancelled request ends the stream, and the next request starts another.
 */
export function fromOperator<Request, Reply>(
  operator: OperatorFunction<Request, Reply>,
): (request: Request, signal: AbortSignal) => Promise<Reply> {
  let stream: Stream<Request, Reply> | undefined;
  return (request, signal) => {
    if (signal.aborted) return Promise.reject(new CancelledError('cancelled before it began'));
    stream ??= new Stream(operator, () => (stream = undefined));
    return stream.put(request, signal);
  };
}

class Stream<Request, Reply> {
  readonly #requests = new Subject<Request>();
  readonly #subscription: Subscription;
  readonly #ended: () => void;
  #pending: Pending<Reply> | undefined;
  #trouble: Error | undefined;

  constructor(operator: OperatorFunction<Request, Reply>, ended: () => void) {
    this.#ended = ended;
    this.#subscription = this.#requests.pipe(operator).subscribe({
      next: (reply) => {
        if (!this.#pending) this.#trouble = new Error('the operator gave more than one output for a request');
        this.#take()?.resolve(reply);
      },
      error: (error: unknown) => this.#end(error),
      complete: () => this.#end(new Error('the operator ended its stream')),
    });
  }

  put(request: Request, signal: AbortSignal): Promise<Reply> {
    const cancel = (): void => this.#end(new CancelledError('the request was cancelled'));
    const reply = new Promise<Reply>((resolve, reject) => (this.#pending = { resolve, reject }));
    signal.addEventListener('abort', cancel, { once: true });
    if (this.#trouble) this.#end(this.#trouble);
    else this.#requests.next(request);
    return reply.finally(() => signal.removeEventListener('abort', cancel));
  }

  #take(): Pending<Reply> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  #end(error: unknown): void {
    this.#ended();
    this.#subscription?.unsubscribe();
    this.#trouble ??= error instanceof Error ? error : new Error(String(error));
    this.#take()?.reject(error);
  }
}

/**
 * A watcher: the loop's events go through the operator, whose output is ignored; an error fails the watcher, which is
 * then restarted.
 * @param signal of the port's context.
 */
export function operatorWatcher(
  operator: OperatorFunction<LoopEvent, unknown>,
  { signal }: { readonly signal: AbortSignal },
): Watch {
  const events = new Subject<LoopEvent>();
  let failed: { readonly error: unknown } | undefined;
  const subscription = events.pipe(operator).subscribe({ error: (error: unknown) => (failed = { error }) });
  signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  const check = (): void => {
    if (failed) throw failed.error;
  };
  return (event) => {
    check();
    events.next(event);
    check();
  };
}
