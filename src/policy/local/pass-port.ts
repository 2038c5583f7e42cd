/** The main thread's end of a step's port: hands the passes that the learner's thread offers to helpers. */
import type { PassMessage, PassReply, Port } from '../../protocol/passes.ts';
import type { WeightsRef } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Helpers, Offer } from '../helpers.ts';

export class PassPort {
  /** The other end, for the learner's thread. */
  readonly far: Port;
  readonly #near: Port;
  readonly #helpers: Helpers;
  readonly #refOf: (weights: SharedTensors) => WeightsRef;
  #offer: Offer | undefined;

  constructor(helpers: Helpers, refOf: (weights: SharedTensors) => WeightsRef) {
    const { port1, port2 } = new MessageChannel() as { port1: Port; port2: Port };
    this.#near = port1;
    this.far = port2;
    this.#helpers = helpers;
    this.#refOf = refOf;
    port1.addEventListener('message', ({ data }) => void this.#answer(data as PassMessage));
  }

  async #answer(message: PassMessage): Promise<void> {
    switch (message.type) {
      case 'offer':
        this.#offer?.close();
        this.#offer = this.#offered(message);
        return;
      case 'take':
        return this.#reply({ at: message.at, gradient: await this.#offer?.take(message.at) });
      case 'reject':
        this.#offer?.reject(message.at, message.why);
        return this.#reply({ at: message.at });
      default:
        message satisfies never;
    }
  }

  #offered({ weights, requests }: Extract<PassMessage, { type: 'offer' }>): Offer {
    return this.#helpers.offer({ weights: this.#refOf(weights), bytes: weights.buffer.byteLength, requests });
  }

  #reply(reply: PassReply): void {
    this.#near.postMessage(reply);
  }

  /** The thread computes the passes that are left itself. */
  withdraw(): void {
    this.#offer?.close();
  }

  close(): void {
    this.withdraw();
    this.#near.close();
  }
}
