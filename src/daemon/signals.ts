/** SIGINT and SIGTERM: the first stops the daemon cleanly, a second ends the process at once. */
const INTERRUPTED = 130;
/** A terminal and npm each deliver the same Ctrl-C: what follows at once is not a second one. */
const SAME_SIGNAL_MILLISECONDS = 1000;

/** @param stop called at the first signal. @returns stops listening. */
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
