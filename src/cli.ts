/**
 * The command line. Each command parses, calls one function elsewhere, and prints; what is heavy is loaded by the
 * command that needs it.
 */
import { CommanderError } from 'commander';
import { EXIT, explain } from './cli/errors.ts';
import { createProgram } from './cli/program.ts';
import { CancelledError } from './protocol/errors.ts';

/** @param argv as `process.argv`. Sets `process.exitCode`; never rejects. */
export async function main(argv: readonly string[], program = createProgram()): Promise<void> {
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error, argv.includes('--verbose'));
  }
}

function report(error: unknown, verbose: boolean): number {
  // Commander has printed its own message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  // The user interrupted it, and was told so then.
  if (error instanceof CancelledError) return EXIT.interrupted;
  const { text, code } = explain(error, verbose);
  process.stderr.write(`${text}\n`);
  return code;
}
