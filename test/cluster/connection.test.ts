import { expect, test } from 'vitest';
import { connectTo } from '../../src/cluster/connection.ts';

test('an address with a password is refused, and the error does not show it', async () => {
  const { message } = await connectTo('nats://me:hunter2@10.0.0.5:4222', 'a test').then(
    () => new Error('it was not refused'),
    (error: Error) => error,
  );
  expect(message).toContain('the address of NATS at 10.0.0.5:4222 holds credentials');
  expect(message).toContain('QUORUM_NATS_PASSWORD');
  expect(message).not.toContain('hunter2');
});

test.each(['http://10.0.0.5', 'nowhere', 'nats://'])('%s is not an address of NATS', async (address) => {
  await expect(connectTo(address, 'a test')).rejects.toThrow('expected nats://HOST:4222');
});

test('without a server the error names the address and how to get one', async () => {
  await expect(connectTo('nats://127.0.0.1:1', 'a test')).rejects.toThrow(
    /nats:\/\/127\.0\.0\.1:1: no NATS server can be used there: .*nats-server -js/,
  );
});
