/**
 * The dashboard server's only view of the daemon, which implements it. Reads are short and commands are few; a budget
 * of main-thread time (turns.ts) bounds both.
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
  /** Emits the current status at once, then at most ten a second; completes when the daemon has stopped. */
  status$(): Observable<Status>;
  status(): Status;
  /** Groups judged, versions learnt and evaluations, each after it is stored. Hot. */
  loop$(): Observable<LoopEvent>;
  readonly store: Inspection;
  /** Pixels of a question's picture. @throws when there is no such picture or it cannot be read. */
  picture(question: Question, index: number): Promise<Picture>;
  /** Text of each token; joined, they are the response's text. */
  pieces(tokens: readonly number[]): readonly string[];
  /** Hugging Face folder with the weights of version `n`; null when they are not on disk now. */
  versionFolder(n: number): string | null;
  /** Versions whose weights are on disk now. */
  savedVersions(): ReadonlySet<number>;
  actors(): readonly ActorDetail[];
  settings(): readonly LiveSetting[];
  plugins(): readonly PluginRow[];
  /** Contents of the plug-ins' panels, at most a few seconds old. */
  panels(): readonly PanelCard[];
  /**
   * Resolves when the command is done (`stop`: has begun) and in the event log, with its result in words if it has one.
   * @param author of the command, in words, for the event log. @throws InputError in words.
   */
  command(command: Command, author: string): Promise<string | undefined>;
}
