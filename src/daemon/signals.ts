/** SIGINT and SIGTERM: the first stops the daemon cleanly, a second ends the process at once. */
const INTERRUPTED = 130;
/** Signals within this time are one Ctrl-C, because a terminal and npm each deliver it. */
const SAME_SIGNAL_MILLISECONDS = 1000;

/** @param stop called at the first signal. @returns a function that stops listening. */
export function onSignals(stop: () => void): () => void {
  let first: number | undefined;
  const heard = (): void => {
    if (first !== undefined && Date.now() - first > SAME_SIGNAL_MILLISECONDS) process.exit(INTERRUPTED);
    first ??= Date.now();
    stop();
  };
  process.on('SIGINT', heard).on('SIGTERM', heard);
  return () => void process.off('SIGINT', heard).off('SIGTERM', heard);
}
