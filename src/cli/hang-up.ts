/**
 * SIGHUP, as a daemon's: where `quorum start` runs on a terminal it says that the terminal is gone, which is as good as
 * being told to stop. Elsewhere (detached, under a service manager, in a container, with nohup) there is nothing to
 * read again, and it is ignored.
 */

export interface HangUp {
  /**
   * Resolves when what reads stdout or stderr through a pipe is gone (`| head`). A terminal that is gone is told by
   * SIGHUP.
   */
  readonly unread: Promise<void>;
  /** From here on other code handles SIGHUP. */
  forget(): void;
}

export function heedHangUp(hasTerminal: boolean): HangUp {
  let isGone = false;
  const onHangUp = (): void => {
    // A shell and the kernel may each say it; a second SIGTERM would end the process at once.
    if (hasTerminal && !isGone) process.emit('SIGTERM', 'SIGTERM');
    isGone = true;
  };
  process.on('SIGHUP', onHangUp);
  const unread = new Promise<void>((resolve) => {
    // What is written then is lost, and no reason to fail; the error of the last write comes after the last word, so
    // the listeners stay.
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
      if (error.code === 'EPIPE') resolve();
    };
    for (const stream of [process.stdout, process.stderr]) stream.on('error', onError);
  });
  return { unread, forget: () => process.off('SIGHUP', onHangUp) };
}
