/** The command `worker`, in processes of its own, while no NATS server is there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeArguments } from '../support/script.ts';
import { temporaryFolder } from '../support/temporary.ts';

const QUORUM = new URL('../support/quorum.ts', import.meta.url);

function work(name: string, cache: string, devices = 'cpu') {
  const given = ['worker', '--join', 'nats://127.0.0.1:1', '--name', name, '--cache', cache, '--devices', devices];
  const child = spawn(process.execPath, [...nodeArguments(QUORUM), ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code], out, errors]) => ({ code, out, errors }),
  );
  return { child, ended };
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('a worker says that it waits, keeps its name to itself, and ends at SIGTERM', { timeout: 60_000 }, async () => {
  const cache = temporaryFolder();
  const first = work('a', cache);
  await once(first.child.stdout, 'data');
  const second = await work('a', cache).ended;
  expect(second.code).toBe(2);
  expect(second.errors).toContain(
    `--name a: another worker with the cache ${cache} has this name: give another --name`,
  );
  first.child.kill('SIGTERM');
  const { code, out, errors } = await first.ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(out).toMatch(/ a waits for the NATS server at nats:\/\/127\.0\.0\.1:1: ./);
});

test('a cache that cannot be a folder is named', { timeout: 60_000 }, async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const { code, errors } = await work('a', file).ended;
  expect(code).toBe(2);
  expect(errors).toContain(`--cache ${file}: the folder cannot be made: `);
});

test('a GPU that this machine does not have is named before the worker joins', { timeout: 60_000 }, async () => {
  const { code, out, errors } = await work('a', temporaryFolder(), 'cpu,cuda:99').ended;
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(errors).toMatch(/--devices cuda:99: this machine cannot use it: .+; name GPUs that `quorum doctor` finds/);
});
