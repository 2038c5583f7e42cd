/** Exit codes, and the formatting of an error as one paragraph. */
import pc from 'picocolors';
import { InputError } from '../protocol/errors.ts';

export const EXIT = {
  ok: 0,
  /** Something failed that is not the user's input: a full disk, a part past its restart budget. */
  failed: 1,
  /** Bad input: an argument, a configuration key, a file. */
  usage: 2,
  /** No daemon runs on the run folder. */
  noDaemon: 3,
  /** Ended by Ctrl-C before it was done. */
  interrupted: 130,
} as const;

/** `status`, `pause`, `resume`, `stop` found no daemon to talk to. */
export class NoDaemonError extends Error {
  override readonly name = 'NoDaemonError';
}

/** A full disk is no fault of the user's input: the same command may work later. */
function isFullDisk(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(String((cause as { readonly code?: unknown } | undefined)?.code));
}

/** @returns what to print on stderr and the exit code; the stack only when asked for. */
export function explain(error: unknown, verbose: boolean): { text: string; code: number } {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isUsage = error instanceof InputError && !isFullDisk(error.cause);
  const code = isUsage ? EXIT.usage : error instanceof NoDaemonError ? EXIT.noDaemon : EXIT.failed;
  const hint = code === EXIT.failed && !verbose ? '\nRun the command with --verbose to see where it happened.' : '';
  return { text: `${pc.red('error:')} ${verbose && stack ? stack : message}${hint}`, code };
}
