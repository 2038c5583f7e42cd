/**
 * Handles SIGHUP. If `quorum start` runs on a terminal, the signal means that the terminal is gone and stops the daemon
 * like SIGTERM. Otherwise (detached, under a service manager, in a container, with nohup) it is ignored, because there
 * is no configuration to reload.
 */

export interface HangUp {
  /**
   * Resolves when the reader of stdout or stderr is gone (`| head`). A terminal that is gone causes SIGHUP instead.
   */
  readonly unread: Promise<void>;
  /** Stops handling SIGHUP. */
  forget(): void;
}

export function heedHangUp(hasTerminal: boolean): HangUp {
  let isGone = false;
  const onHangUp = (): void => {
    // A shell and the kernel may each send SIGHUP; a second SIGTERM would end the process at once.
    if (hasTerminal && !isGone) process.emit('SIGTERM', 'SIGTERM');
    isGone = true;
  };
  process.on('SIGHUP', onHangUp);
  const unread = new Promise<void>((resolve) => {
    // Output without a reader is dropped and must not fail the run. The listeners stay until the process ends, because
    // the error of the last write arrives after it.
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
      if (error.code === 'EPIPE') resolve();
    };
    for (const stream of [process.stdout, process.stderr]) stream.on('error', onError);
  });
  return { unread, forget: () => process.off('SIGHUP', onHangUp) };
}
