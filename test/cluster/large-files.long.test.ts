/** Files and weights beyond the sizes that 31 and 32 bits hold. Each file is sparse: it takes no space. */
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Blobs } from '../../src/cluster/blobs.ts';
import { fetchFile } from '../../src/cluster/download.ts';
import { hashOf } from '../../src/cluster/wire.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ZEROS = 2 ** 32;
const END = 'the end';
/** `(head -c 4294967296 /dev/zero; printf 'the end') | sha256sum` */
const BLOB = {
  sha: '325aa8e820be09bf0e3049cabe35d97bc3aab25d6c387042665a068b900a7409',
  size: ZEROS + END.length,
};

async function sparse(path: string, size: number, end = ''): Promise<string> {
  await using file = await open(path, 'w');
  await file.truncate(size);
  await file.write(end, size);
  return path;
}

test('a file of more than 4 GB is continued beyond 4 GB, and its hash is checked', { timeout: 300_000 }, async () => {
  const folder = temporaryFolder();
  const blobs = new Blobs();
  await blobs.listen('127.0.0.1', 0);
  onTestFinished(() => blobs[Symbol.asyncDispose]());
  blobs.hold(BLOB, { path: await sparse(join(folder, 'model'), ZEROS, END) });
  const [part, path] = [join(folder, 'part'), join(folder, 'copy')];
  const received: number[] = [];
  const source = () => ({ url: blobs.url, token: blobs.token, onBytes: (count: number) => received.push(count) });
  await sparse(part, ZEROS - 1_000);
  received.length = 0;
  await fetchFile(source, BLOB, path, part);
  expect(received.reduce((sum, count) => sum + count, 0)).toBe(1_000 + END.length);
  expect([statSync(path).size, existsSync(part)]).toEqual([BLOB.size, false]);
});

test('weights of more than 2 GB are hashed', { timeout: 120_000 }, () => {
  // `head -c 2147483649 /dev/zero | sha256sum`
  const sha = 'b8030a8ab89280935633d8d991da3d9907c0f12e8b6fc3bfc515f4d440872b6e';
  expect(hashOf(new Uint8Array(2 ** 31 + 1))).toBe(sha);
});
