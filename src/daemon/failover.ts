/**
 * A performer of a port that one plug-in may hold: each item goes to the plug-in's actor or, if that is parked or
 * removed, to the built-in one. A failed item counts against the plug-in until the built-in actor fails on it too; only
 * an unsound step may be the item's own fault.
 */
import { InputError, ItemError, UnsoundStepError } from '../protocol/errors.ts';
import type { Item, Performer } from '../protocol/performer.ts';
import type { ActorStatus } from '../protocol/status.ts';

interface Parked<P> {
  readonly performer: Performer<P>;
  readonly error: string;
}

export class Failover<P> implements Performer<P> {
  readonly id: string;
  readonly #own: Performer<P>;
  readonly #plugin: () => Performer<P> | undefined;
  readonly #say: (text: string) => void;
  readonly #parked: () => readonly Parked<P>[];
  readonly #told = new WeakSet<Performer<P>>();
  #queue: (() => ActorStatus['queue']) | undefined;

  /** @param plugin whose actor holds the port now. @param parked those that could hold it if they were not parked. */
  constructor(
    own: Performer<P>,
    plugin: () => Performer<P> | undefined,
    say: (text: string) => void,
    parked: () => readonly Parked<P>[] = () => [],
  ) {
    this.id = own.id;
    this.#own = own;
    this.#plugin = plugin;
    this.#say = say;
    this.#parked = parked;
  }

  async perform<R>(item: Item<P, R>): Promise<R> {
    for (;;) {
      const plugin = this.#plugin();
      this.#tellParked();
      if (!plugin) return this.#own.perform(item);
      if (this.#queue) plugin.takesFrom(this.#queue);
      this.#own.waitsFor(plugin.id);
      try {
        return await plugin.perform({
          ...item,
          blames: (error) => error instanceof UnsoundStepError && item.blames?.(error) === true,
        });
      } catch (error) {
        if (item.signal.aborted || error instanceof InputError || error instanceof ItemError) throw error;
        const why = error instanceof Error ? error.message : String(error);
        // Removed, or parked: the actor that holds the port now takes the item.
        if (!this.#parked().some(({ performer }) => performer === plugin)) this.#tell(plugin, why);
      } finally {
        this.#own.waitsFor('work');
      }
    }
  }

  /** One may be parked with no item in hand, when it could not be opened. */
  #tellParked(): void {
    for (const { performer, error } of this.#parked()) {
      if (this.#told.has(performer)) continue;
      this.#told.add(performer);
      this.#tell(performer, error);
    }
  }

  #tell({ id }: Performer<P>, why: string): void {
    this.#say(`${id} is out: ${why}; ${this.#plugin()?.id ?? this.#own.id} does its work`);
  }

  waitsFor(what: string): void {
    (this.#plugin() ?? this.#own).waitsFor(what);
  }

  takesFrom(queue: () => ActorStatus['queue']): void {
    this.#queue = queue;
    this.#own.takesFrom(queue);
  }
}
