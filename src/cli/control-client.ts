/** Sends a request to the daemon of a run folder, through its control socket. */
import { connect, type Socket } from 'node:net';
import type { ControlReply, ControlRequest } from '../protocol/control.ts';
import { fromErrorData, TimeoutError, WorkerError } from '../protocol/errors.ts';
import { findDaemon } from '../store/run-folder.ts';
import { NoDaemonError } from './errors.ts';

/** Node fires a longer timer at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
const LONGEST_REPLY = 16 * 1024 * 1024;

/**
 * @throws NoDaemonError when no daemon holds the folder, TimeoutError when it does not answer, and the error that the
 * daemon answers.
 */
export async function askDaemon(
  runFolder: string,
  request: ControlRequest,
  timeoutSeconds: number,
): Promise<Exclude<ControlReply, { type: 'error' }>> {
  const daemon = findDaemon(runFolder);
  if (!daemon)
    throw new NoDaemonError(
      `no daemon runs on ${runFolder}; start one with \`quorum start\`, or name its run folder with --run`,
    );
  const text = await exchange(connect(daemon.socket), request, timeoutSeconds).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ECONNREFUSED') throw error;
    throw new NoDaemonError(
      `the daemon on ${runFolder} (process ${daemon.pid}) does not listen yet or not any more; try again in a moment`,
      {
        cause: error,
      },
    );
  });
  const reply = JSON.parse(text) as ControlReply;
  if (reply.type === 'error') throw fromErrorData(reply.error);
  return reply;
}

async function exchange(socket: Socket, request: ControlRequest, timeoutSeconds: number): Promise<string> {
  const deadline = setTimeout(
    () =>
      socket.destroy(
        new TimeoutError(`the daemon gave no answer to ${request.type} in ${timeoutSeconds} s${afterwards(request)}`),
      ),
    Math.min(timeoutSeconds * 1000, LONGEST_TIMER),
  );
  try {
    socket.setEncoding('utf8');
    socket.write(`${JSON.stringify(request)}\n`);
    let text = '';
    for await (const chunk of socket as AsyncIterable<string>) {
      text += chunk;
      if (text.endsWith('\n')) return text;
      if (text.length > LONGEST_REPLY)
        throw new WorkerError(`the daemon's answer to ${request.type} is longer than ${LONGEST_REPLY} characters`);
    }
    throw new WorkerError(`the daemon closed the connection before it answered ${request.type}`);
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}

/** What happens to a request without an answer: a command that the daemon has accepted is still carried out. */
function afterwards({ type }: ControlRequest): string {
  return type === 'status' || type === 'plugins'
    ? ''
    : '; it still carries the command out: `quorum status` shows what the command waits for';
}
