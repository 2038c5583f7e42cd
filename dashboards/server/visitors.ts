/**
 * Tracks connections that speak HTTP (an upgraded connection moves to the hub) and bounds their number, in all and per
 * address. At the bound a new connection replaces the idlest: among connections that wait for no answer, the one
 * longest without traffic. So idle connections cannot keep a page out.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Pipelined requests on one connection. */
const MOST_WAITING = 16;

interface Visit {
  readonly socket: Socket;
  readonly address: string;
  /** Requests not yet answered in full. */
  inHand: number;
  /** Resolves when the newest request is answered in full. */
  answered: Promise<void>;
}

export interface VisitorLimits {
  readonly ofOneAddress: number;
  readonly ofAll: number;
}

export class Visitors {
  readonly #limits: VisitorLimits;
  readonly #visits = new Map<Socket, Visit>();
  /** Visits by address, longest without traffic first. */
  readonly #byAddress = new Map<string, Set<Visit>>();

  constructor(limits: VisitorLimits) {
    this.#limits = limits;
  }

  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const { ofOneAddress, ofAll } = this.#limits;
    const own = this.#byAddress.get(address);
    if (own && own.size >= ofOneAddress) this.#end(own);
    else if (this.#visits.size >= ofAll) this.#end(this.#largest());
    const visit: Visit = { socket, address, inHand: 0, answered: Promise.resolve() };
    this.#visits.set(socket, visit);
    this.#move(visit);
    // 'drain' shows that the client is reading.
    socket.on('drain', () => this.#move(visit)).once('close', () => this.leave(socket));
  }

  leave(socket: Socket): void {
    const visit = this.#visits.get(socket);
    if (!visit) return;
    this.#visits.delete(socket);
    const own = this.#byAddress.get(visit.address);
    own?.delete(visit);
    if (own?.size === 0) this.#byAddress.delete(visit.address);
  }

  /**
   * Waits for this request's turn: until the previous answer on the same connection has left this process. @returns
   * false when the connection has ended
   */
  async turn({ socket }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const visit = this.#visits.get(socket);
    if (!visit) return false;
    this.#move(visit);
    visit.inHand += 1;
    if (visit.inHand > MOST_WAITING) socket.destroy();
    const { answered } = visit;
    visit.answered = new Promise((resolve) => {
      response.once('close', () => {
        visit.inHand -= 1;
        this.#move(visit);
        resolve();
      });
    });
    await answered;
    return !socket.destroyed;
  }

  #move(visit: Visit): void {
    if (!this.#visits.has(visit.socket)) return;
    const own = this.#byAddress.get(visit.address) ?? new Set();
    own.delete(visit);
    own.add(visit);
    this.#byAddress.set(visit.address, own);
  }

  #end(visits: ReadonlySet<Visit>): void {
    const all = [...visits];
    const { socket } = all.find(({ inHand }) => inHand === 0) ?? all[0]!;
    this.leave(socket);
    socket.destroy();
  }

  #largest(): ReadonlySet<Visit> {
    return [...this.#byAddress.values()].reduce((most, own) => (own.size > most.size ? own : most));
  }
}
