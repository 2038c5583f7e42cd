/**
 * SIGHUP, as a daemon's: where `quorum start` runs on a terminal it says that the terminal is gone, which is as good as being told to stop. Elsewhere
 * (detached, under a service manager, in a container, with nohup) there is nothing to read again, and it is ignored.
 */

/** @returns what ends it. */
export function heedHangUp(hasTerminal: boolean): () => void {
  let isGone = false;
  const onHangUp = (): void => {
    // A shell and the kernel may each say it; a second SIGTERM would end the process at once.
    if (hasTerminal && !isGone) process.emit('SIGTERM', 'SIGTERM');
    isGone = true;
  };
  // What is written to a terminal that is gone is lost, and no reason to fail.
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EIO') throw error;
  };
  const streams = hasTerminal ? [process.stdout, process.stderr] : [];
  process.on('SIGHUP', onHangUp);
  for (const stream of streams) stream.on('error', onError);
  return () => {
    process.off('SIGHUP', onHangUp);
    for (const stream of streams) stream.off('error', onError);
  };
}
