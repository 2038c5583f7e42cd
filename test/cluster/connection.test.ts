import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectTo } from '../../src/cluster/connection.ts';
import { CancelledError } from '../../src/protocol/errors.ts';
import { HAS_OPENSSL, makeAuthority } from '../support/certificates.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

test.each([
  'nats://me:hunter2@10.0.0.5:4222',
  'http://me:hunter2@10.0.0.5:4222',
  'me:hunter2@10.0.0.5:4222',
  'nats://me:hunter2,@10.0.0.5:4222',
])('an address with a password is refused, and the error does not show it: %s', async (address) => {
  const { message } = await connectTo(address, { name: 'a test' }).then(
    () => new Error('it was not refused'),
    (error: Error) => error,
  );
  expect(message).toContain('the address of NATS at 10.0.0.5:4222 holds credentials');
  expect(message).toContain('QUORUM_NATS_PASSWORD');
  expect(message).not.toContain('hunter2');
});

test.each(['http://10.0.0.5', 'nowhere', 'nats://'])('%s is not an address of NATS', async (address) => {
  await expect(connectTo(address, { name: 'a test' })).rejects.toThrow('expected nats://HOST:4222');
});

test('without a server the error names the address and how to get one', async () => {
  await expect(connectTo('nats://127.0.0.1:1', { name: 'a test' })).rejects.toThrow(
    /nats:\/\/127\.0\.0\.1:1: no NATS server can be used there: .*nats-server -js/,
  );
});

test('a wait for a server says so once, and ends at once when it is cancelled', async () => {
  const said: string[] = [];
  const ended = new AbortController();
  const waiting = connectTo(
    'nats://127.0.0.1:1',
    { name: 'a test' },
    {
      signal: ended.signal,
      say: (text) => {
        said.push(text);
        ended.abort();
      },
    },
  );
  await expect(waiting).rejects.toThrow(CancelledError);
  expect(said).toEqual([expect.stringMatching(/^waits for the NATS server at nats:\/\/127\.0\.0\.1:1: ./)]);
});

test.each(['QUORUM_NATS_CREDENTIALS', 'QUORUM_NATS_CA', 'QUORUM_NATS_KEY'])(
  'a file of %s that cannot be read is named, and no server is blamed',
  async (variable) => {
    vi.stubEnv(variable, '/nowhere/quorum.pem');
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(connectTo('nats://127.0.0.1:1', { name: 'a test' })).rejects.toThrow(
      `${variable} names /nowhere/quorum.pem, which cannot be read`,
    );
  },
);

test.skipIf(!HAS_NATS)('wrong credentials end a wait for the server', async () => {
  const { url } = await natsServer(['--user', 'me', '--pass', 'hunter2']);
  const { signal } = new AbortController();
  await expect(connectTo(url, { name: 'a test' }, { signal, say: () => {} })).rejects.toThrow(
    /Authorization Violation.*QUORUM_NATS_USER and QUORUM_NATS_PASSWORD/i,
  );
});

test.skipIf(!HAS_NATS)('a tls:// address is never used in plain text', async () => {
  const { url } = await natsServer();
  await expect(connectTo(url.replace('nats:', 'tls:'), { name: 'a test' })).rejects.toThrow(
    /server does not support 'tls'; it speaks plain text: .*, or write nats:\/\/ in place of tls:\/\/$/,
  );
});

test.skipIf(!HAS_NATS)('certificates are for a server that speaks TLS', async () => {
  const { url } = await natsServer();
  const file = join(temporaryFolder(), 'ca.pem');
  writeFileSync(file, '');
  vi.stubEnv('QUORUM_NATS_CA', file);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(connectTo(url, { name: 'a test' })).rejects.toThrow(/it speaks plain text: .*or unset QUORUM_NATS_CA,/);
});

test('a server of something else is named as such', { timeout: 20_000 }, async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await expect(connectTo(`nats://127.0.0.1:${port}`, { name: 'a test' })).rejects.toThrow(
    /timeout; it does not answer as a NATS server: check the port/,
  );
});

test.skipIf(!HAS_NATS || !HAS_OPENSSL)('a server that wants TLS from the first byte on is named as such', async () => {
  const { ca, issue } = makeAuthority();
  const { certificate, key } = issue('server');
  const config = join(temporaryFolder(), 'nats.conf');
  writeFileSync(config, `tls { cert_file: "${certificate}", key_file: "${key}", handshake_first: true }`);
  const { url } = await natsServer(['--config', config]);
  vi.stubEnv('QUORUM_NATS_CA', ca);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(connectTo(url.replace('nats:', 'tls:'), { name: 'a test' })).rejects.toThrow(
    /take `handshake_first` out/,
  );
});
