/**
 * The passes of one update that the learner offers, and the state of each. The learner takes them from the first on,
 * and workers from the last on, so both have work until all passes are taken. The learner computes the passes that
 * workers lose.
 */
import type { Offer, Offered } from '../policy/helpers.ts';
import type { GradientRequest, HelpersGradient } from '../protocol/passes.ts';
import type { WeightsRef } from '../protocol/ports.ts';
import type { Blob } from './wire.ts';

/** `own`: the learner computes it, or has taken its gradient. */
type State =
  | { readonly at: 'free' | 'own' }
  /** `since`: when the worker got it; `heldAt`: when it last said that it has it. Milliseconds. */
  | { readonly at: 'out'; readonly worker: string; readonly since: number; readonly heldAt: number }
  | { readonly at: 'done'; readonly worker: string; readonly gradient: HelpersGradient };

export interface OfferEffects {
  readonly isParked: (worker: string) => boolean;
  readonly park: (worker: string, why: string) => void;
  readonly closed: (offer: PassOffer) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The learner waits this many times as long as its own longest pass takes. */
const PATIENCE = 4;

export class PassOffer implements Offer {
  readonly weights: WeightsRef;
  /** Of a gradient. */
  readonly bytes: number;
  /** Of the weights, once they are hashed; no pass is lent before. */
  blob: Blob | undefined;
  readonly #requests: Offered['requests'];
  readonly #states: State[];
  readonly #effects: OfferEffects;
  /** The learner waits for this pass. */
  #awaited: { readonly at: number; readonly settle: (gradient?: HelpersGradient) => void } | undefined;
  /** When the learner began its own pass. */
  #ownSince: number | undefined;
  #longest = 0;
  /** Workers whose gradients the learner took, by pass. */
  readonly #givers = new Map<number, string>();

  constructor({ weights, bytes, requests }: Offered, effects: OfferEffects) {
    this.weights = weights;
    this.bytes = bytes;
    this.#requests = requests;
    this.#states = requests.map((request) => ({ at: request ? 'free' : 'own' }));
    this.#effects = effects;
  }

  /** Passes that can be lent. */
  get free(): number {
    return this.blob ? this.#states.filter(({ at }) => at === 'free').length : 0;
  }

  /** Gradients that workers compute, or that wait for the learner. */
  get held(): number {
    return this.#states.filter(({ at }) => at === 'out' || at === 'done').length;
  }

  request(at: number): GradientRequest {
    return this.#requests[at]!;
  }

  /** Gives the last free pass to a worker. @returns its place. */
  lend(worker: string): number {
    const at = this.#states.findLastIndex((state) => state.at === 'free');
    const now = this.#effects.now();
    this.#states[at] = { at: 'out', worker, since: now, heldAt: now };
    return at;
  }

  /** The worker says that it has the pass in hand. */
  renew(at: number): void {
    const state = this.#states[at]!;
    if (state.at === 'out') this.#states[at] = { ...state, heldAt: this.#effects.now() };
  }

  give(at: number, gradient: HelpersGradient): void {
    const state = this.#states[at]!;
    if (state.at !== 'out') return;
    this.#states[at] = { at: 'done', worker: state.worker, gradient };
    this.#settle(at);
  }

  /** The learner computes the pass. */
  lose(at: number): void {
    this.#states[at] = { at: 'own' };
    this.#settle(at);
  }

  take(at: number): Promise<HelpersGradient | undefined> {
    const now = this.#effects.now();
    if (this.#ownSince !== undefined) this.#longest = Math.max(this.#longest, now - this.#ownSince);
    this.#ownSince = undefined;
    return new Promise((resolve) => {
      const settle = (gradient?: HelpersGradient): void => {
        if (!gradient) this.#ownSince = this.#effects.now();
        resolve(gradient);
      };
      this.#awaited = { at, settle };
      if (this.#states[at]!.at !== 'out') this.#settle(at);
    });
  }

  #settle(at: number): void {
    const awaited = this.#awaited;
    if (awaited?.at !== at) return;
    const state = this.#states[at]!;
    this.#states[at] = { at: 'own' };
    this.#awaited = undefined;
    if (state.at !== 'done' || this.#effects.isParked(state.worker)) return awaited.settle();
    this.#givers.set(at, state.worker);
    awaited.settle(state.gradient);
  }

  /**
   * The pass that the learner waits for, when its worker has been silent for `milliseconds`, has left, or is too slow.
   * @param isHere whether a worker still sends heartbeats
   */
  overdue(
    milliseconds: number,
    isHere: (worker: string) => boolean,
  ): { readonly at: number; readonly worker: string; readonly isSlow: boolean } | undefined {
    const at = this.#awaited?.at;
    const state = at === undefined ? undefined : this.#states[at];
    if (at === undefined || state?.at !== 'out') return undefined;
    const now = this.#effects.now();
    const isSlow = now - state.since > Math.max(milliseconds, PATIENCE * this.#longest);
    const isLost = isSlow || now - state.heldAt > milliseconds || !isHere(state.worker);
    return isLost ? { at, worker: state.worker, isSlow } : undefined;
  }

  reject(at: number, why: string): void {
    const worker = this.#givers.get(at);
    if (worker !== undefined) this.#effects.park(worker, why);
  }

  close(): void {
    for (const at of this.#states.keys()) this.#states[at] = { at: 'own' };
    if (this.#awaited) this.#settle(this.#awaited.at);
    this.#effects.closed(this);
  }
}
