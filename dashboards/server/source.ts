/**
 * All that the dashboard's server knows of the daemon. Producer: the daemon. Reads are short, commands are few; a
 * budget of the main thread's time (turns.ts) bounds both.
 */
import type { Observable } from 'rxjs';
import type { Command } from '../../src/protocol/commands.ts';
import type { ActorDetail, LiveSetting, PanelCard } from '../../src/protocol/frames.ts';
import type { Picture, Question } from '../../src/protocol/messages.ts';
import type { PluginRow } from '../../src/protocol/plugins.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import type { Status } from '../../src/protocol/status.ts';
import type { Inspection } from '../../src/store/inspection.ts';

export interface DashboardSource {
  /** The newest at once, then at most ten a second; completes when the daemon has stopped. */
  status$(): Observable<Status>;
  status(): Status;
  /** What was judged, learnt and evaluated, after it is stored. Hot. */
  loop$(): Observable<LoopEvent>;
  readonly store: Inspection;
  /** Pixels of a question's picture. @throws when there is no such picture, or it cannot be read. */
  picture(question: Question, index: number): Promise<Picture>;
  /** Text of each token; joined they are the response's text. */
  pieces(tokens: readonly number[]): readonly string[];
  /** Where the weights of version `n` are on disk now, as a Hugging Face folder; null when they are not. */
  versionFolder(n: number): string | null;
  /** Versions whose weights are on disk now. */
  savedVersions(): ReadonlySet<number>;
  actors(): readonly ActorDetail[];
  settings(): readonly LiveSetting[];
  plugins(): readonly PluginRow[];
  /** What the panels of plug-ins show; at most a few seconds old. */
  panels(): readonly PanelCard[];
  /**
   * Resolves when it is done (`stop`: when it has begun) and in the event log: with its result in words, for a command
   * that has one. `author` is who asked, in words. @throws InputError in words.
   */
  command(command: Command, author: string): Promise<string | undefined>;
}
