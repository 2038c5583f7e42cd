/** Ctrl-C for commands that work in this process: the first asks for a clean stop, a later one ends the process. */

/** A terminal and npm may each deliver the same Ctrl-C; what follows at once is not a second one. */
const SAME_MILLISECONDS = 1_000;
const INTERRUPTED = 130;

/** @returns a signal that aborts at the first SIGINT or SIGTERM; `announce` says what happens then. */
export function onInterrupt(announce: () => void): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  const handle = (): void => {
    if (first === undefined) {
      first = Date.now();
      announce();
      controller.abort();
    } else if (Date.now() - first > SAME_MILLISECONDS) process.exit(INTERRUPTED);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return controller.signal;
}
