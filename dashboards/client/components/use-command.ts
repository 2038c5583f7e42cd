/** Sends commands, at most one at a time per use, and keeps the last outcome. */
import { useState } from 'preact/hooks';
import { UnheardError } from '../connection.ts';
import { announce, connection } from '../session.ts';
import { doneWords, type Command } from '../../../src/protocol/commands.ts';

export interface Running {
  readonly pending: boolean;
  readonly error: string | undefined;
  /** Outcome of the last command, in words. */
  readonly done: string | undefined;
  /**
   * Rejects with the daemon's reason, which `error` holds too. Resolves if the connection is lost after sending: the
   * daemon then completes the command by itself.
   */
  readonly run: (command: Command) => Promise<void>;
}

export function useCommand(): Running {
  const [state, setState] = useState<{ pending: boolean; error?: string; done?: string }>({ pending: false });
  const run = async (command: Command) => {
    setState({ pending: true });
    const finish = (words: string) => {
      setState({ pending: false, done: words });
      announce(words);
    };
    try {
      finish((await connection.command(command)) ?? doneWords(command));
    } catch (error) {
      if (error instanceof UnheardError) return finish(error.message);
      setState({ pending: false, error: (error as Error).message });
      throw error;
    }
  };
  return { pending: state.pending, error: state.error, done: state.done, run };
}
