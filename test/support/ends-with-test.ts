/**
 * Imported by each process that tests start from here: however the process of the test ends, by a kill too, this one
 * does not outlive it.
 */
const test = Number(process.env['QUORUM_TEST_PID']);
const LOOK_MILLISECONDS = 500;

function isGone(): boolean {
  try {
    return !process.kill(test, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

if (test > 0) setInterval(() => isGone() && process.kill(process.pid, 'SIGKILL'), LOOK_MILLISECONDS).unref();
