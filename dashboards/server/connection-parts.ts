/** What a connection is told of its browser, and what it may ask of the hub. */
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
  /** For `pause`, `resume` and `stop`, which wait for nothing else. */
  readonly urgentTurns: Turns;
  /** The frame that answers a hello. */
  readonly hello: (access: Access) => Uint8Array;
  readonly command: (command: Command, author: string) => Promise<string | undefined>;
  /** Something failed that is no fault of the client. */
  readonly onError: (error: unknown) => void;
  /** It said hello. */
  readonly onReady: () => void;
}
