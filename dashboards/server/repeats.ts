/**
 * Passes on at most one command a second that sets a setting to the value it has, however many pages send it, because
 * each command writes to the disk.
 */
import type { Command } from '../../src/protocol/commands.ts';
import type { Clock } from './clock.ts';
import type { DashboardSource } from './source.ts';

const REPEAT_MILLISECONDS = 1_000;

type Change = Command & { readonly type: 'set' };

interface Last {
  readonly value: number;
  readonly at: number;
  readonly done: Promise<string | undefined>;
  isInHand: boolean;
}

export class Repeats {
  readonly #source: Pick<DashboardSource, 'command' | 'settings'>;
  readonly #clock: Pick<Clock, 'now'>;
  /** The last change, by path of the setting. */
  readonly #last = new Map<string, Last>();

  constructor(source: Pick<DashboardSource, 'command' | 'settings'>, clock: Pick<Clock, 'now'>) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Same contract as `command` of the source. */
  async set(command: Change, author: string): Promise<string | undefined> {
    const before = this.#last.get(command.path);
    if (before && this.#isRepeated(before, command)) return before.done;
    const last: Last = {
      value: command.value,
      at: this.#clock.now(),
      done: this.#source.command(command, author),
      isInHand: true,
    };
    this.#last.set(command.path, last);
    try {
      return await last.done;
    } catch (error) {
      this.#last.delete(command.path);
      throw error;
    } finally {
      last.isInHand = false;
    }
  }

  #isRepeated(last: Last, { path, value }: Change): boolean {
    if (last.value !== value) return false;
    if (last.isInHand) return true;
    // The command line may have changed the setting in the meantime.
    const isStill = this.#source.settings().some((setting) => setting.path === path && setting.value === value);
    return isStill && this.#clock.now() - last.at < REPEAT_MILLISECONDS;
  }
}
