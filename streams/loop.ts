/**
 * What the stages of the loop share, in three groups: what they work with, what changes while the loop runs, and what
 * they make happen outside it.
 */
import type { Config } from '../src/config/schema.ts';
import type { Classifier } from '../src/learn/judge.ts';
import type { Learner } from '../src/policy/learner.ts';
import type { LoopEvent } from '../src/protocol/ports.ts';
import type { Draft } from '../src/roles/synthesizer.ts';
import type { Store } from '../src/store/store.ts';
import type { Performers } from './performers.ts';
import type { Gate } from './gate.ts';
import type { Listener } from './listener.ts';
import type { Measures } from './measures.ts';
import type { Settings } from './settings.ts';

export type LoopConfig = Pick<
  Config,
  | 'seed'
  | 'filters'
  | 'sampling'
  | 'synthesis'
  | 'curriculum'
  | 'loop'
  | 'pictures'
  | 'evaluation'
  | 'checkpoints'
  | 'timeouts'
>;

/** Constant while the loop runs. */
export interface LoopParts {
  /** As the run was started; `state.settings` has what may change since. */
  readonly config: LoopConfig;
  readonly performers: Performers;
  readonly store: Store;
  readonly policy: Pick<Learner, 'retain' | 'release'>;
  readonly grader: Classifier;
  /** Number -> a prompt to write a question by, for the questions that earn a reward. */
  readonly draft: (n: number) => Draft;
  readonly measures: Measures;
  readonly telemetry: Listener;
  /** False for a data set of pictures alone, with no plug-in that asks about them: every question is then synthetic. */
  readonly hasQuestions: boolean;
  /** File and row of a question, for messages; undefined where no file holds it. */
  readonly where: (questionId: string) => string | undefined;
}

export interface LoopState {
  /** Newest version whose row is in the store; the samplers use it and the loop retains it. */
  version: number;
  /** Groups with a smaller vote share are dropped, even above `filters.shareFloor`; the guardian raises it. */
  shareFloor: number;
  readonly settings: Settings;
  readonly gate: Gate;
  /**
   * Aborts when the loop stops: no new work starts, sampling in hand is cancelled (and repeated after the restart), a
   * learner step is finished.
   */
  readonly stop: AbortSignal;
}

export interface LoopEffects {
  /** Writes version `n` as a checkpoint that a restart can continue from; the version is retained meanwhile. */
  readonly checkpoint: (n: number) => Promise<void>;
  /**
   * Loads version `from`, which is on disk, as version `as`, which is then the policy's newest. @throws InputError when
   * it is not whole.
   */
  readonly restore: (from: number, as: number) => Promise<void>;
  /** Keeps version `n` as the best so far; the version is retained meanwhile. */
  readonly keepBest: (n: number) => Promise<void>;
  /** Queues an event for the watchers; never blocks the loop. */
  readonly announce: (event: LoopEvent) => void;
  /** Tells the user, in the terminal and in the log. */
  readonly say: (text: string) => void;
  /** Pauses the loop; the status shows the reason until a resume. */
  readonly hold: (why: string) => void;
  /** Pauses the loop if the run folder is no longer in its place. */
  readonly look: () => void;
  /** A stage is past help: the loop must stop. */
  readonly failed: (error: unknown) => void;
}

export interface Loop {
  readonly parts: LoopParts;
  readonly state: LoopState;
  readonly effects: LoopEffects;
}

/** Where a stored loop keeps the last sequence number that a window consumed. */
export const THROUGH = 'loop.through';
