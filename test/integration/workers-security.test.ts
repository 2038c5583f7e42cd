/** What NATS protects: who may join, what a worker may say and read, and what is readable on the way. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { NATS_VARIABLES } from '../../src/cluster/connection.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import { HAS_OPENSSL, makeAuthority } from '../support/certificates.ts';
import { areWorking, outcomeOf, startToy } from '../support/cluster.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startToyWorker, workersOf } from '../support/worker-process.ts';

/** Configuration of NATS: that of docs/security.md, with one user more, who may be the worker `gpu-a` only. */
function configured(more = ''): string {
  const [, text] = /^```\n(jetstream[\s\S]*?)^```$/m.exec(readFileSync('docs/security.md', 'utf8'))!;
  const [shared] = /^ {4}\{\n {6}user: worker[\s\S]*?^ {4}\}$/m.exec(text!)!;
  const own = shared
    .replace('user: worker', 'user: gpu-a')
    .replace('beat.*.*', 'beat.gpu-a.*')
    .replace('groups.*.*', 'groups.gpu-a.*')
    .replace('passes.*.*', 'passes.gpu-a.*')
    .replace('inbox.*.>', 'inbox.gpu-a.>');
  const file = join(temporaryFolder(), 'nats.conf');
  const users = text!.replace(/^jetstream.*$/m, '').replace(shared, `${shared}\n${own}`);
  writeFileSync(file, `${users.replaceAll(/\$(\w+)_PASSWORD/g, '"$1-password"')}\n${more}`);
  return file;
}

const user = (name: 'daemon' | 'worker' | 'gpu-a') => ({
  [NATS_VARIABLES.user]: name,
  [NATS_VARIABLES.password]: name === 'daemon' ? 'DAEMON-password' : 'WORKER-password',
});

/** For connections of this process. */
function inEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** What the server answers to a message, or to a subscription. */
async function refusalOf(
  connection: NatsConnection,
  asked: { readonly publish: string } | { readonly read: string },
): Promise<string> {
  const refused = (async () => {
    for await (const status of connection.status()) if (status.type === 'error') return status.error.message;
    return 'the connection is closed';
  })();
  if ('publish' in asked) connection.publish(asked.publish);
  else connection.subscribe(asked.read, { callback: () => {} });
  await connection.flush();
  return Promise.race([refused, sleep(2_000, 'it was not refused')]);
}

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  test('a worker whose credentials are revoked ends with the reason', async () => {
    const config = join(temporaryFolder(), 'nats.conf');
    const allow = (password: string): void =>
      writeFileSync(config, `authorization { user: "worker", password: "${password}" }`);
    allow('old');
    const nats = await natsServer(['--config', config]);
    const oldUser = { QUORUM_NATS_USER: 'worker', QUORUM_NATS_PASSWORD: 'old' };
    const worker = startToyWorker(nats.url, 'revoked', 0, oldUser);
    await expect.poll(worker.output, { timeout: 40_000 }).toContain('waits for the daemon');
    await nats.kill();
    allow('new');
    await nats.start();
    expect(await worker.exited).not.toBe(0);
    expect(worker.output()).toMatch(/ refuses this connection for good: .*authorization violation.*QUORUM_NATS_USER/i);
  });

  test('with the permissions of docs/security.md a worker works, and can neither make jobs nor touch a queue', async () => {
    const nats = await natsServer(['--config', configured()]);
    for (const name of ['one', 'two']) startToyWorker(nats.url, name, 0, user('worker'));
    inEnvironment(user('daemon'));
    const { daemon } = await startToy({ nats: nats.url, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(2));
    const worker = await connect({ servers: nats.url, user: 'worker', pass: 'WORKER-password' });
    const forbidden = ['quorum.jobs', '$JS.API.STREAM.PURGE.quorum-groups', '$JS.API.STREAM.DELETE.quorum-jobs'];
    for (const subject of [...forbidden, 'quorum.daemon', '$JS.API.CONSUMER.MSG.NEXT.quorum-groups.store'])
      await expect(refusalOf(worker, { publish: subject })).resolves.toMatch(/permissions violation for publish/i);
    for (const subject of [
      '>',
      'quorum.groups.>',
      'quorum.beat.>',
      'quorum.passes.>',
      'quorum.jobs',
      'quorum.daemon-inbox.>',
    ])
      await expect(refusalOf(worker, { read: subject })).resolves.toMatch(/permissions violation for subscription/i);
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await outcomeOf((await startToy()).daemon));
    expect(daemon.status().workers!.reduce((sum, { groups }) => sum + groups, 0)).toBeGreaterThan(0);
  });

  test('credentials for one worker do not let another one speak in its name, nor read what it is sent', async () => {
    const nats = await natsServer(['--config', configured()]);
    const own = startToyWorker(nats.url, 'gpu-a', 0, user('gpu-a'));
    const other = startToyWorker(nats.url, 'gpu-b', 0, user('gpu-a'));
    inEnvironment(user('daemon'));
    const { daemon } = await startToy({ nats: nats.url, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    expect(await other.exited).not.toBe(0);
    expect(other.output()).toMatch(/ forbids this: .*permissions violation.*QUORUM_NATS_USER.*its --name/i);
    const gpuA = { user: 'gpu-a', pass: 'WORKER-password', inboxPrefix: 'quorum.inbox.gpu-a' };
    const worker = await connect({ servers: nats.url, ...gpuA });
    const answer = await worker.request('quorum.passes.gpu-a.1', encode({ type: 'ask' }), { timeout: 5_000 });
    expect(decode(answer.data)).toBeNull(); // no worker of this name learns
    for (const subject of ['quorum.beat.gpu-b.1', 'quorum.groups.gpu-b.1', 'quorum.passes.gpu-b.1'])
      await expect(refusalOf(worker, { publish: subject })).resolves.toMatch(/permissions violation for publish/i);
    await expect(refusalOf(worker, { read: 'quorum.inbox.gpu-b.>' })).resolves.toMatch(/violation for subscription/i);
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await outcomeOf((await startToy()).daemon));
    expect(daemon.status().workers).toMatchObject([{ name: 'gpu-a' }]);
    own.child.kill('SIGTERM');
    expect(await own.exited).toBe(0);
  });

  test.skipIf(!HAS_OPENSSL)('a worker and the daemon speak TLS, each with a certificate', async () => {
    const { ca, issue } = makeAuthority();
    const [server, client] = [issue('server'), issue('client')];
    const tls = `tls { cert_file: "${server.certificate}", key_file: "${server.key}", ca_file: "${ca}", verify: true }`;
    const nats = await natsServer(['--config', configured(tls)]);
    const address = nats.url.replace('nats:', 'tls:');
    const certified = {
      [NATS_VARIABLES.ca]: ca,
      [NATS_VARIABLES.certificate]: client.certificate,
      [NATS_VARIABLES.key]: client.key,
    };
    startToyWorker(address, 'gpu-a', 0, { ...user('gpu-a'), ...certified });
    const elsewhere = address.replace('127.0.0.1', 'localhost'); // a name that the certificate does not have
    const lost = startToyWorker(elsewhere, 'gpu-a', 0, { ...user('gpu-a'), ...certified });
    const plain = startToyWorker(nats.url, 'gpu-a', 0, user('gpu-a'));
    const stranger = startToyWorker(address, 'stranger', 0, { ...user('worker'), [NATS_VARIABLES.ca]: ca });
    inEnvironment(user('daemon'));
    await expect(startToy({ nats: address })).rejects.toThrow(
      new RegExp(`certificate; it speaks TLS: .* give the file of its authority in ${NATS_VARIABLES.ca}$`),
    );
    inEnvironment(certified);
    const { daemon } = await startToy({ nats: address, checkShare: 0 });
    await daemon.pause();
    await workersOf(daemon, areWorking(1));
    await expect.poll(plain.output, { timeout: 40_000 }).toMatch(/waits for .*certificate; it speaks TLS: write tls:/);
    const noCertificate = new RegExp(`waits for .* at ${address}: timeout; .*give ${NATS_VARIABLES.certificate} and`);
    await expect.poll(stranger.output, { timeout: 40_000 }).toMatch(noCertificate);
    await expect.poll(lost.output, { timeout: 40_000 }).toContain('does not match certificate');
    await daemon.resume();
    expect(await outcomeOf(daemon)).toBe(await outcomeOf((await startToy()).daemon));
    expect(daemon.status().workers).toMatchObject([{ name: 'gpu-a' }]);
    expect(daemon.status().workers![0]!.groups).toBeGreaterThan(0);
  });
});
