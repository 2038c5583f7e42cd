/** The actors as the streams see them: something that performs one item at a time and comes back from its failures (actors/handle.ts). */
import type { Advantage, Ask, Evaluate, Export, Filter, Judge, Learn, Reward, SampleQuestions, Synthesize, Watch } from '../src/protocol/ports.ts';
import type { ActorStatus } from '../src/protocol/status.ts';

export interface Performer<P> {
  readonly id: string;
  /**
   * Runs `run` with the live port within `seconds`. When that fails the actor is restarted and the item tried again.
   * @throws CancelledError when `signal` aborts, InputError or ItemError when the item itself is bad, the last failure past the restart budget.
   */
  perform<R>(item: {
    readonly doing: string;
    readonly seconds: number;
    readonly signal: AbortSignal;
    readonly run: (port: P, signal: AbortSignal) => Promise<R>;
    /** The item is lost when it fails. */
    readonly once?: boolean;
    /** Told of each of its failures; true where the item is to blame, not the actor: it is then tried no more. */
    readonly blames?: (error: Error) => boolean;
  }): Promise<R>;
  /** Says what the actor waits for while it has no item. */
  waitsFor(what: string): void;
  /** Says where its next items wait, for the status. */
  takesFrom(queue: () => ActorStatus['queue']): void;
}

/** An actor of a plug-in. After a restart by hand another has its place. */
export type OfPlugin<P> = Performer<P> & { readonly plugin: string };

/** Plug-ins come and go while the loop runs, so the lists and what may be undefined are read anew each time. */
export interface Crew {
  readonly questioner: Performer<Ask>;
  readonly samplers: readonly Performer<SampleQuestions>[];
  readonly voter: Performer<Judge>;
  readonly learner: Performer<Learn>;
  readonly evaluator: Performer<Evaluate>;
  /** Where questions are written. */
  readonly synthesizer: Performer<Synthesize> | undefined;
  readonly rewards: readonly OfPlugin<Reward>[];
  readonly advantage: OfPlugin<Advantage> | undefined;
  readonly filters: readonly OfPlugin<Filter>[];
  readonly watchers: readonly OfPlugin<Watch>[];
  readonly exporters: readonly OfPlugin<Export>[];
}
