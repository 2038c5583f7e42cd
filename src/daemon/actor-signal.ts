/** The signal of a port's context. It aborts when the port's actor restarts or is removed. */
import { sharedController } from '../lib/shared-signal.ts';

export class ActorSignal {
  #now = sharedController();

  /** Aborts the previous signal and makes a new one. @param opening aborts when the actor stops during opening. */
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
