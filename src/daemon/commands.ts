/**
 * Carries out the commands of a running daemon (src/protocol/commands.ts) and keeps each in the event log with its
 * author and outcome.
 */
import { rollBack } from '../../streams/rollback.ts';
import type { Loop } from '../../streams/loop.ts';
import type { Pipeline } from '../../streams/pipeline.ts';
import { checkLive } from '../config/live.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import { commandWords, isUrgent, type Command } from '../protocol/commands.ts';
import type { Workers } from '../policy/policy.ts';
import type { CommandStatus } from '../protocol/status.ts';
import type { Roster } from './roster.ts';
import { evaluationWords } from './label-words.ts';
import type { Saving } from './saving.ts';

export interface CommandParts {
  readonly loop: Loop;
  readonly saving: Saving;
  readonly roster: Roster;
  /** The evaluator's current work if it began before `since` (milliseconds since 1970); otherwise null. */
  readonly evaluating: (since: number) => string | null;
  /** Undefined until the loop runs. */
  readonly pipeline: () => Pipeline | undefined;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Absent in a run without a cluster. */
  readonly workers: Workers | undefined;
  /** Starts to stop the daemon. */
  readonly stop: () => void;
  /** Writes to the status view and the log. */
  readonly say: (text: string) => void;
}

/** With this many commands in progress, only `pause`, `resume` and `stop` are accepted. */
const MOST_IN_HAND = 16;

interface InHand {
  readonly command: Command;
  readonly author: string;
  readonly since: number;
  readonly work: Promise<string | undefined>;
}

/**
 * Carries out commands. An accepted command is carried out whether or not its author still listens.
 */
export class Commands {
  readonly #parts: CommandParts;
  readonly #inHand = new Set<InHand>();
  #rollingBack = false;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the command is done (`stop`: has begun), with its result in words if it has one.
   * @param author of the command, in words, for the event log. @throws InputError in words.
   */
  async command(command: Command, author: string): Promise<string | undefined> {
    const { loop, say } = this.#parts;
    if (loop.state.stop.aborted) {
      if (command.type === 'stop') return undefined;
      throw new InputError('the daemon is stopping');
    }
    if (!isUrgent(command) && this.#inHand.size >= MOST_IN_HAND) {
      throw new InputError(
        `${commandWords(command)}: ${MOST_IN_HAND} commands are in hand; ask again when one of them is done`,
      );
    }
    if (command.type !== 'stop') say(`${author}: ${commandWords(command)}`);
    const item: InHand = { command, author, since: Date.now(), work: this.#carryOut(command) };
    this.#inHand.add(item);
    try {
      const words = await item.work;
      loop.parts.store.event('command', {
        command: withoutOptions(command),
        author,
        outcome: 'done',
        ...(words !== undefined && { words }),
      });
      return words;
    } catch (error) {
      const words = commandWords(command);
      const isCut = error instanceof CancelledError;
      const cut = isCut ? new InputError(`${words}: the daemon stopped first`) : (error as Error);
      loop.parts.store.event('command', { command: withoutOptions(command), author, outcome: cut.message });
      const outcome = cut instanceof InputError ? 'is refused' : 'failed';
      say(`${author}: ${isCut ? '' : `${words} ${outcome}: `}${cut.message}`);
      throw cut;
    } finally {
      this.#inHand.delete(item);
      loop.parts.telemetry.changed();
    }
  }

  /** Commands in progress, in the order of acceptance. */
  inHand(): readonly CommandStatus[] {
    return [...this.#inHand].map((item) => {
      const { command, author, since } = item;
      return { type: command.type, text: commandWords(command), author, since, behind: this.#behind(item) };
    });
  }

  #behind(item: InHand): string | null {
    const { command, since } = item;
    if (command.type === 'pause')
      return this.#parts.pipeline() === undefined ? 'the start of the loop' : 'the step in hand';
    const all = [...this.#inHand];
    const before = all.slice(0, all.indexOf(item)).findLast((other) => laneOf(other.command) === laneOf(command));
    if (before !== undefined) return `${commandWords(before.command)} (${before.author})`;
    if (command.type === 'rollback') return 'the groups that were admitted before it';
    return command.type === 'evaluate' ? this.#parts.evaluating(since) : null;
  }

  /** Resolves when the commands in progress are done. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#inHand].map(({ work }) => work));
  }

  /** @returns the outcome in words, if the command has one. */
  async #carryOut(command: Command): Promise<string | undefined> {
    const { loop, saving } = this.#parts;
    if (command.type === 'evaluate') return evaluationWords(await this.#running().evaluate(command.full));
    if (command.type === 'checkpoint') return this.#checkpoint();
    if (command.type === 'rollback')
      return saving.holding(command.version, () => this.#rollBack(loop, command.version));
    await this.#obey(command);
    return undefined;
  }

  async #obey(command: Exclude<Command, { readonly type: 'evaluate' | 'checkpoint' | 'rollback' }>): Promise<void> {
    const { roster, pause, resume, stop } = this.#parts;
    switch (command.type) {
      case 'pause':
        return pause();
      case 'resume':
        return resume();
      case 'stop':
        return stop();
      case 'set':
        return this.#running().set(checkLive(command.path, command.value), command.value);
      case 'drain':
        return this.#workers().drain(command.worker);
      case 'plugin.add':
        return roster.add(command);
      case 'plugin.remove':
        return roster.remove(command.name);
      case 'plugin.restart':
        return roster.restart(command.name);
      case 'plugin.reload':
        return roster.reload(command.name);
      default:
        throw new InputError(`unknown command ${JSON.stringify(command satisfies never)}`);
    }
  }

  #workers(): Workers {
    const { workers } = this.#parts;
    if (!workers) throw new InputError('no worker can join this run: set `cluster.nats`');
    return workers;
  }

  #running(): Pipeline {
    const pipeline = this.#parts.pipeline();
    if (!pipeline)
      throw new InputError(
        'the loop does not run yet: wait until the daemon has restored its versions or measured its baseline (quorum status)',
      );
    return pipeline;
  }

  async #checkpoint(): Promise<string> {
    this.#running();
    const { loop, saving } = this.#parts;
    const { version } = loop.state;
    loop.parts.policy.retain(version);
    try {
      await saving.checkpoint(version);
      return `version ${version} is saved`;
    } finally {
      loop.parts.policy.release(version);
    }
  }

  async #rollBack(loop: Loop, from: number): Promise<string> {
    const pipeline = this.#running();
    if (this.#rollingBack) throw new InputError('another rollback is under way');
    this.#rollingBack = true;
    try {
      const as = await pipeline.drained(() => rollBack(loop, from));
      const words = `learning continues from version ${from} as version ${as}`;
      this.#parts.say(words);
      // The command does not wait for the measurement of the new version.
      pipeline.evaluate(false).catch(() => {});
      return words;
    } finally {
      this.#rollingBack = false;
    }
  }
}

/** The command's lane; commands of one lane run one at a time. */
function laneOf({ type }: Command): string {
  return type.startsWith('plugin.') ? 'plugin' : type;
}

/** Removes a plug-in's options from the event, as they may hold a key and all viewers see events. */
function withoutOptions(command: Command): object {
  if (command.type !== 'plugin.add') return command;
  const { options: _, ...rest } = command as Command & { readonly options?: unknown };
  return rest;
}
