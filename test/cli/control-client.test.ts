import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askDaemon } from '../../src/cli/control-client.ts';
import { NoDaemonError } from '../../src/cli/errors.ts';
import type { ControlReply } from '../../src/protocol/control.ts';
import { InputError, TimeoutError } from '../../src/protocol/errors.ts';
import { openRunFolder, type RunFolder } from '../../src/store/run-folder.ts';
import { RUNNING } from './view/status.ts';

let folder: string;
let run: RunFolder | undefined;
let server: Server | undefined;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'quorum-control-')), 'run');
});

afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  run?.release();
  run = undefined;
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

/** A daemon that answers each line with what `answer` says, in pieces; undefined keeps silent. */
async function daemon(answer: (line: string) => ControlReply | undefined): Promise<void> {
  run = openRunFolder(folder);
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      const reply = answer(data.toString());
      if (!reply) return;
      const text = `${JSON.stringify(reply)}\n`;
      socket.write(text.slice(0, 10));
      setImmediate(() => socket.end(text.slice(10)));
    });
  });
  await new Promise<void>((resolve) => server!.listen(run!.socket, resolve));
}

describe('askDaemon', () => {
  it('sends one line and reads one back', async () => {
    const lines: string[] = [];
    await daemon((line) => {
      lines.push(line);
      return { type: 'status', status: RUNNING };
    });
    expect(await askDaemon(folder, { type: 'pause' }, 5)).toEqual({ type: 'status', status: RUNNING });
    expect(lines).toEqual(['{"type":"pause"}\n']);
  });

  it('throws what the daemon answers as an error', async () => {
    await daemon(() => ({ type: 'error', error: { name: 'InputError', message: 'no' } }));
    await expect(askDaemon(folder, { type: 'stop' }, 5)).rejects.toBeInstanceOf(InputError);
  });

  it('gives up on a daemon that does not answer', async () => {
    await daemon(() => undefined);
    await expect(askDaemon(folder, { type: 'status' }, 0.05)).rejects.toThrow(
      new TimeoutError('the daemon gave no answer to status in 0.05 s'),
    );
  });

  it('says when none runs, or has not opened its socket', async () => {
    await expect(askDaemon(folder, { type: 'status' }, 5)).rejects.toThrow(
      /no daemon runs on .*run; start one with `quorum start`/,
    );
    run = openRunFolder(folder);
    await expect(askDaemon(folder, { type: 'status' }, 5)).rejects.toBeInstanceOf(NoDaemonError);
  });
});
