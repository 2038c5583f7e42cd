/** What the hub gives each connection: facts about its browser, and the hub's services. */
import type { Command } from '../../src/protocol/commands.ts';
import type { Access } from '../../src/protocol/frames.ts';
import type { Clock } from './clock.ts';
import type { Flight } from './flight.ts';
import type { Replies } from './replies.ts';
import type { Turns } from './turns.ts';

export interface Peer {
  readonly access: Access;
  /** The author's name in the event log. */
  readonly author: string;
}

export interface ConnectionParts {
  readonly clock: Clock;
  readonly replies: Replies;
  readonly flight: Flight;
  readonly turns: Turns;
  /** Turns of `pause`, `resume` and `stop`, which wait for no other work. */
  readonly urgentTurns: Turns;
  /** The frame that answers a hello. */
  readonly hello: (access: Access) => Uint8Array;
  readonly command: (command: Command, author: string) => Promise<string | undefined>;
  /** Called for a failure that the client did not cause. */
  readonly onError: (error: unknown) => void;
  /** Called after the client's hello. */
  readonly onReady: () => void;
}
