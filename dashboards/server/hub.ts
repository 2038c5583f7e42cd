/**
 * Sends the loop's news to every browser: at most ten updates a second, each encoded once for all. Without a browser it
 * subscribes to nothing and builds nothing. A slow client misses updates; `seq` tells it how many.
 */
import type { Subscription } from 'rxjs';
import type { WebSocket } from 'ws';
import { encode } from '../../src/protocol/codec.ts';
import {
  FRAMES_VERSION,
  type EventRow,
  type GroupCard,
  type Live,
  type MetricRow,
  type ServerFrame,
} from '../../src/protocol/frames.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import type { Status } from '../../src/protocol/status.ts';
import { groupCard } from './cards.ts';
import type { Clock } from './clock.ts';
import { Connection } from './connection.ts';
import type { Flight } from './flight.ts';
import { guarded } from './guard.ts';
import { Repeats } from './repeats.ts';
import { Replies } from './replies.ts';
import type { Peer, ConnectionParts } from './connection-parts.ts';
import type { DashboardSource } from './source.ts';
import { Turns } from './turns.ts';

const FRAME_MILLISECONDS = 100;
/** Many clients get rarer updates, to bound their total cost: five browsers get ten a second each, fifty get one. */
const MILLISECONDS_PER_CLIENT = 20;
/** Costly updates are rarer too: together they take at most a fiftieth of the main thread. */
const MOST_SHARE = 1 / 50;
/** Main-thread milliseconds a second for pages' requests, and for urgent commands. */
const TURNS_PER_SECOND = 50;
const URGENT_PER_SECOND = 20;
const CHECK_MILLISECONDS = 10_000;
/** Rows of each kind in one update; the newest are kept. */
const MOST_NEWS = 20;

export interface HubStatistics {
  readonly clients: number;
  /** Updates encoded. */
  readonly updates: number;
  /** Updates missed by slow clients, summed over clients. */
  readonly dropped: number;
  /** Bytes that clients have not read yet. */
  readonly unreadBytes: number;
}

export class Hub {
  readonly #source: DashboardSource;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #flight: Flight;
  readonly #turns: Turns;
  readonly #urgentTurns: Turns;
  readonly #replies: Replies;
  readonly #repeats: Repeats;
  readonly #connections = new Set<Connection>();
  #listening: Subscription | undefined;
  #callOffUpdate: (() => void) | undefined;
  #callOffCheck: (() => void) | undefined;
  #sentAt = -Infinity;
  /** Main-thread milliseconds of the last update. */
  #cost = 0;
  #seq = 0;
  #updates = 0;
  #dropped = 0;
  #status: Status | undefined;
  #lastEvent = -1;
  /** New group ids and step numbers, oldest first. */
  readonly #groups = new Set<string>();
  readonly #steps = new Set<number>();

  constructor(source: DashboardSource, clock: Clock, onError: (error: unknown) => void, flight: Flight) {
    this.#source = source;
    this.#clock = clock;
    this.#onError = onError;
    this.#flight = flight;
    this.#turns = new Turns(TURNS_PER_SECOND, clock);
    this.#urgentTurns = new Turns(URGENT_PER_SECOND, clock);
    this.#repeats = new Repeats(source, clock);
    this.#replies = new Replies(source, clock, this.#turns);
  }

  get statistics(): HubStatistics {
    const unreadBytes = [...this.#connections].reduce((sum, connection) => sum + connection.unreadBytes, 0);
    return { clients: this.#connections.size, updates: this.#updates, dropped: this.#dropped, unreadBytes };
  }

  join(socket: WebSocket, peer: Peer): void {
    const services: ConnectionParts = {
      clock: this.#clock,
      replies: this.#replies,
      flight: this.#flight,
      turns: this.#turns,
      urgentTurns: this.#urgentTurns,
      hello: (access) =>
        encode({ type: 'hello', v: FRAMES_VERSION, access, live: live(this.#source.status()) } satisfies ServerFrame),
      command: async (command, author) => {
        try {
          return await (command.type === 'set'
            ? this.#repeats.set(command, author)
            : this.#source.command(command, author));
        } finally {
          this.#replies.clear();
        }
      },
      onError: this.#onError,
      onReady: () => this.#listen(),
    };
    const connection = new Connection(socket, peer, services);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#rest();
    });
    this.#callOffCheck ??= this.#clock.after(CHECK_MILLISECONDS, () => this.#check());
  }

  close(code: number, reason: string): void {
    for (const connection of this.#connections) connection.close(code, reason);
    this.#rest();
  }

  #listen(): void {
    if (this.#listening) return;
    this.#lastEvent = this.#source.store.eventsBefore({ limit: 1 }).events[0]?.id ?? -1;
    this.#listening = this.#source
      .loop$()
      .subscribe({ next: guarded(this.#onError, (event: LoopEvent) => this.#hear(event)), error: this.#onError });
    const news = (status: Status) => {
      this.#status = status;
      this.#plan();
    };
    this.#listening.add(this.#source.status$().subscribe({ next: guarded(this.#onError, news), error: this.#onError }));
  }

  /** Unsubscribes when the last client has left. */
  #rest(): void {
    this.#listening?.unsubscribe();
    this.#callOffUpdate?.();
    this.#callOffCheck?.();
    this.#listening = this.#callOffUpdate = this.#callOffCheck = this.#status = undefined;
    this.#groups.clear();
    this.#steps.clear();
  }

  #check(): void {
    this.#callOffCheck = this.#clock.after(CHECK_MILLISECONDS, () => this.#check());
    for (const connection of this.#connections) connection.check();
  }

  #hear(event: LoopEvent): void {
    if (event.type === 'judged') keepNewest(this.#groups, event.judged.group.id);
    else keepNewest(this.#steps, event.type === 'learnt' ? event.version.n : event.evaluation.version);
    this.#plan();
  }

  #plan(): void {
    const apart = Math.max(
      FRAME_MILLISECONDS,
      this.#connections.size * MILLISECONDS_PER_CLIENT,
      this.#cost / MOST_SHARE,
    );
    const wait = Math.max(0, this.#sentAt + apart - this.#clock.now());
    this.#callOffUpdate ??= this.#clock.after(wait, () => {
      this.#callOffUpdate = undefined;
      this.#sentAt = this.#clock.now();
      const from = this.#clock.fine();
      this.#update();
      this.#cost = this.#clock.fine() - from;
    });
  }

  #update(): void {
    const ready = [...this.#connections].filter(({ isReady }) => isReady);
    const takers = ready.filter(({ canTake }) => canTake);
    this.#seq += 1;
    this.#dropped += ready.length - takers.length;
    try {
      if (takers.length === 0) return;
      const bytes = encode(this.#frame());
      this.#updates += 1;
      for (const taker of takers) taker.send(bytes);
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#groups.clear();
      this.#steps.clear();
    }
  }

  #frame(): ServerFrame {
    return {
      type: 'update',
      seq: this.#seq,
      live: live(this.#status ?? this.#source.status()),
      points: [...this.#steps].flatMap((step) => this.#point(step)),
      groups: [...this.#groups].flatMap((id) => this.#card(id)),
      events: this.#newEvents(),
    };
  }

  #card(id: string): GroupCard[] {
    const stored = this.#source.store.group(id);
    return stored ? [groupCard(stored)] : [];
  }

  #point(step: number): MetricRow[] {
    const { at = this.#clock.now(), ...values } = this.#source.store.metricRow(step);
    return Object.keys(values).length === 0 ? [] : [{ step, at, values }];
  }

  #newEvents(): readonly EventRow[] {
    const { events } = this.#source.store.eventsBefore({ limit: MOST_NEWS });
    const fresh = events.filter(({ id }) => id > this.#lastEvent).toReversed();
    this.#lastEvent = fresh.at(-1)?.id ?? this.#lastEvent;
    return fresh;
  }
}

/** Relies on a Set keeping the order of insertion. */
function keepNewest<T>(set: Set<T>, value: T): void {
  set.delete(value);
  set.add(value);
  if (set.size > MOST_NEWS) set.delete(set.values().next().value as T);
}

function live(status: Status): Live {
  const { history: _, levels: _levels, ...accuracy } = status.accuracy;
  if (status.labelFree === undefined) return { ...status, accuracy };
  const { history: _points, ...labelFree } = status.labelFree;
  return { ...status, accuracy, labelFree };
}
