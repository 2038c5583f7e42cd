/** The signal that a port's context has: it aborts at a restart of the port's actor, and when the actor is removed. */
import { sharedController } from '../lib/shared-signal.ts';

export class ActorSignal {
  #now = sharedController();

  /** Ends the signal before it. @param opening aborts when the actor stops while it opens its port. */
  begin(opening: AbortSignal): AbortSignal {
    this.end();
    const own = sharedController();
    this.#now = own;
    opening.addEventListener('abort', () => own.abort(), { once: true });
    return own.signal;
  }

  end(): void {
    this.#now.abort();
  }
}
