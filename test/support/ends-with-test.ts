/**
 * Every child process of a test imports this first: the child kills itself soon after the test's process ends, even if
 * that process was killed.
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
