/**
 * The messages between the dashboard's server and a browser: one msgpack frame a WebSocket message (codec.ts), each
 * self-contained, so a client that joins late or loses frames needs nothing that came before. Producer and consumer:
 * dashboards/server and dashboards/client.
 *
 * Every client gets the same `update` frames, encoded once. They are numbered; a client that finds a gap requests its
 * page's data again. A client gets older data with `request`, answered by `reply` or `refused`.
 */
import type { Command } from './commands.ts';
import type { Accuracy, Checked, DropReason, Finish, LabelFree, Origin, StepMetrics } from './messages.ts';
import type { PluginRow } from './plugins.ts';
import type { PanelContent } from './ports.ts';
import type { LabelFreeStatus, Status, WorkerStatus } from './status.ts';

export type { Checked } from './messages.ts';

/** Rises when a frame changes so that an old page could misread it; both sides send it first. */
export const FRAMES_VERSION = 1;

/** WebSocket close codes of ours; the reason says more. */
export const CLOSE = { badFrame: 4400, notAllowed: 4403, wrongVersion: 4409, tooFast: 4429 } as const;

/** A viewer may only look; an operator may also send commands. */
export type Access = 'view' | 'control';

/**
 * The status without the histories of what was measured on held-out questions, which are in the series `greedy`,
 * `level.`... and `heldOut.`...
 */
export type Live = Omit<Status, 'accuracy' | 'labelFree'> & {
  readonly accuracy: Omit<Status['accuracy'], 'history' | 'levels'>;
  readonly labelFree?: Omit<LabelFreeStatus, 'history'>;
};

/** True between a request to pause and the end of the work in hand. */
export function isPausing({ phase, commands = [] }: Pick<Status, 'phase' | 'commands'>): boolean {
  return (
    (phase === 'starting' || phase === 'baseline' || phase === 'running') &&
    commands.some(({ type }) => type === 'pause')
  );
}

/** Versions between what a worker sampled with last and the newest; null before it has sampled and after it has left. */
export function lagOf({ version, state }: WorkerStatus, newest: number): number | null {
  return version === null || state === 'left' ? null : newest - version;
}

/**
 * Values at one learner step; evaluations come later than the rest, so the same step may come again with other names.
 */
export interface MetricRow {
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

/**
 * Aligned columns over learner steps, averaged in buckets where there are more steps than points. Null when nothing was
 * recorded.
 */
export interface History {
  readonly steps: readonly number[];
  /** Milliseconds since 1970 of each step. */
  readonly at: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface QuestionCard {
  readonly id: string;
  readonly text: string;
  readonly origin: Origin;
  readonly kind: string | null;
  readonly parentId: string | null;
  /** Pictures are at `/pictures/{id}/{index}.png`. */
  readonly pictures: number;
}

/** A judged group as the stream shows it. Arrays are parallel to the samples. */
export interface GroupCard {
  readonly id: string;
  readonly sequence: number;
  /** When it was sampled, milliseconds since 1970. */
  readonly at: number;
  readonly question: QuestionCard;
  /** Version that sampled it. */
  readonly version: number;
  readonly answers: readonly (string | null)[];
  /** Equivalence class of each answer; -1 is no answer, or one whose vote a check took. */
  readonly classes: readonly number[];
  readonly winner: number;
  readonly share: number;
  readonly rewards: readonly number[];
  readonly advantages: readonly number[];
  readonly kept: boolean;
  readonly dropped: DropReason | null;
  /** Where a plug-in's filter dropped it: the plug-in and its words. */
  readonly why?: string;
  /** Responses that lost their vote, by the check; absent where none did. */
  readonly lost?: Readonly<Record<string, number>>;
}

export interface TokenDetail {
  readonly text: string;
  /** Under the distribution it was drawn from. */
  readonly logprob: number;
  /** Under the frozen base; null where it was not needed. */
  readonly refLogprob: number | null;
}

/** A group with every token. */
export interface GroupDetail extends GroupCard {
  readonly samples: readonly {
    readonly text: string;
    readonly finish: Finish;
    readonly tokens: readonly TokenDetail[];
  }[];
  /** The version learnt from it; null while it waits or when it was dropped. */
  readonly learntBy: number | null;
  readonly checks?: readonly Checked[];
}

export interface GroupFilter {
  readonly kind?: string;
  readonly origin?: Origin;
  /** `dropped` matches any reason. */
  readonly verdict?: 'kept' | 'dropped' | DropReason;
  readonly minShare?: number;
  readonly maxShare?: number;
  /** Part of the question's text; case does not matter. */
  readonly text?: string;
  readonly questionId?: string;
  readonly version?: number;
}

export interface QuestionStats {
  /** Questions that were admitted and are still stored. */
  readonly byOrigin: Readonly<Partial<Record<Origin, number>>>;
  readonly byKind: Readonly<Record<string, number>>;
  /** Judged groups in ten equal bands of the vote share, by origin. */
  readonly shares: Readonly<Partial<Record<Origin, readonly number[]>>>;
  /**
   * Distinct texts / questions, and the mean of 1 - Jaccard over the word pairs of two questions of the same origin.
   */
  readonly diversity: Readonly<
    Partial<Record<Origin, { readonly distinct: number; readonly distance: number | null }>>
  >;
}

export interface SyntheticQuestion {
  readonly question: QuestionCard;
  readonly parent: QuestionCard | null;
  readonly groups: number;
  readonly meanShare: number | null;
}

/** A refused question of the model, with the reason: `malformed`, `duplicate`, `share-floor` ... */
export interface RejectedQuestion {
  readonly question: QuestionCard;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface VersionRow {
  readonly n: number;
  readonly parent: number | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly metrics: StepMetrics | null;
  readonly greedy: number | null;
  readonly full: Accuracy | null;
  /** Where a held-out question has no label. */
  readonly labelFree: LabelFree | null;
  /** Whether its weights are on disk: it can be downloaded, and rolled back to. */
  readonly saved: boolean;
  /** Whether its answers to held-out questions are stored: it can be compared. */
  readonly comparable: boolean;
}

/**
 * One held-out question as two versions answered it. `truth` was never used for training; null, like `right`, where the
 * question has no label.
 */
export interface Compared {
  readonly question: QuestionCard;
  readonly truth: string | null;
  readonly a: { readonly answer: string | null; readonly right: boolean | null };
  readonly b: { readonly answer: string | null; readonly right: boolean | null };
  /** Whether the answers are equal; when deciding that takes algebra, whether their texts are equal. */
  readonly same: boolean;
}

export interface EventRow {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: string;
  readonly data: unknown;
}

export interface ActorDetail {
  readonly id: string;
  readonly role: string;
  /** State chart of the actor and of its supervisor: every state, and which is active. */
  readonly charts: readonly {
    readonly machine: string;
    readonly states: readonly string[];
    readonly active: string;
    /** `[from, event, to]`. */
    readonly transitions: readonly (readonly [string, string, string])[];
  }[];
  /** Newest first, at most 20. */
  readonly failures: readonly { readonly at: number; readonly message: string; readonly stack: string }[];
}

/** A setting that may be changed while the loop runs. */
export interface LiveSetting {
  readonly path: string;
  readonly value: number;
  readonly min: number;
  /** The value must be greater than `min`. */
  readonly above?: boolean;
  readonly max: number;
  readonly integer: boolean;
  readonly unit: string;
  readonly help: string;
}

/** Method -> its parameters and its result. */
export interface Requests {
  /** Steps `from ..= to`, the whole run without them; at most `maxPoints` rows. */
  readonly history: {
    readonly params: { readonly from?: number; readonly to?: number; readonly maxPoints: number };
    readonly value: History;
  };
  /** Newest first; `before` is the `next` of the previous answer, a sequence number. */
  readonly groups: {
    readonly params: { readonly filter: GroupFilter; readonly before?: number; readonly limit: number };
    readonly value: { readonly groups: readonly GroupCard[]; readonly next: number | null };
  };
  readonly group: { readonly params: { readonly id: string }; readonly value: GroupDetail };
  /** One question and its groups, oldest first, at most `limit`, thinned evenly. */
  readonly question: {
    readonly params: { readonly id: string; readonly limit: number };
    readonly value: {
      readonly question: QuestionCard;
      readonly parent: QuestionCard | null;
      readonly groups: readonly GroupCard[];
    };
  };
  readonly questions: { readonly params: Record<string, never>; readonly value: QuestionStats };
  /** Newest first. */
  readonly synthetic: {
    readonly params: { readonly before?: number; readonly limit: number };
    readonly value: { readonly questions: readonly SyntheticQuestion[]; readonly next: number | null };
  };
  /** Newest first. */
  readonly rejected: {
    readonly params: { readonly limit: number };
    readonly value: { readonly questions: readonly RejectedQuestion[] };
  };
  /** Newest first; `before` is a version number. `only: 'evaluated'` leaves out versions without an evaluation. */
  readonly versions: {
    readonly params: { readonly before?: number; readonly limit: number; readonly only?: 'evaluated' | 'saved' };
    readonly value: { readonly versions: readonly VersionRow[]; readonly next: number | null };
  };
  /** Questions that both versions answered: different verdicts first, then different answers. */
  readonly compare: {
    readonly params: { readonly a: number; readonly b: number };
    readonly value: { readonly a: number; readonly b: number; readonly questions: readonly Compared[] };
  };
  readonly events: {
    readonly params: { readonly before?: number; readonly limit: number; readonly kind?: string };
    readonly value: { readonly events: readonly EventRow[]; readonly next: number | null };
  };
  readonly actors: { readonly params: Record<string, never>; readonly value: readonly ActorDetail[] };
  readonly settings: { readonly params: Record<string, never>; readonly value: readonly LiveSetting[] };
  readonly plugins: { readonly params: Record<string, never>; readonly value: readonly PluginRow[] };
  /** The panels of plug-ins; a failed panel has an error instead. */
  readonly panels: { readonly params: Record<string, never>; readonly value: readonly PanelCard[] };
}

export interface PanelCard {
  readonly plugin: string;
  readonly content: PanelContent | null;
  readonly error: string | null;
}

export type Method = keyof Requests;

/**
 * Browser -> server. The first frame is `hello`; the server closes the socket after a malformed or too large frame, or
 * too many.
 */
export type ClientFrame =
  | { readonly type: 'hello'; readonly v: number }
  | {
      [M in Method]: {
        readonly type: 'request';
        readonly id: number;
        readonly method: M;
        readonly params: Requests[M]['params'];
      };
    }[Method]
  | { readonly type: 'command'; readonly id: number; readonly command: Command };

/** Server -> browser. */
export type ServerFrame =
  | { readonly type: 'hello'; readonly v: number; readonly access: Access; readonly live: Live }
  /** At most ten a second. A slow client misses whole updates, which it sees in `seq`. */
  | {
      readonly type: 'update';
      /** Counts up by 1. */
      readonly seq: number;
      readonly live: Live;
      readonly points: readonly MetricRow[];
      /** Groups judged since the last update, newest last; only the newest when there are many. */
      readonly groups: readonly GroupCard[];
      readonly events: readonly EventRow[];
    }
  | { readonly type: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly message: string };
