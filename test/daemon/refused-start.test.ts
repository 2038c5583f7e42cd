import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Config, ConfigInput } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonHooks } from '../../src/daemon/daemon-handle.ts';
import { CancelledError, InputError } from '../../src/protocol/errors.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const LOOP = { steps: 2, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } as const;
const createPolicy = () => new ToyPolicy();

/** A run folder under one that does not exist either. */
function run(input: ConfigInput = {}): { readonly config: Config; readonly above: string } {
  const { config, folder } = toyRun({ loop: LOOP, ...input });
  const above = join(folder, 'runs');
  return { config: { ...config, runFolder: join(above, 'one') }, above };
}

async function takenPort(): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}

const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();

const stopped = new AbortController();
stopped.abort();

test.each<[string, ConfigInput, DaemonHooks]>([
  ['data', { data: { type: 'jsonl', trainFile: '/no/such/file.jsonl' } }, {}],
  ['a plug-in', { plugins: ['./no-such-plugin.ts'] }, {}],
  ['a setting that another one forbids', { learner: { blame: 'step' } }, {}],
  ['a condition', { loop: { ...LOOP, stopWhen: 'heldOut.asBase < 0.5' } }, {}],
  [
    'a model',
    {},
    {
      createPolicy: () => {
        throw new InputError('no weights');
      },
    },
  ],
  ['an interrupt', {}, { signal: stopped.signal }],
])('refused for %s, a start leaves nothing behind', async (_, input, hooks) => {
  const { config, above } = run(input);
  await expect(startDaemon(config, { createPolicy, ...hooks })).rejects.toSatisfy(
    (error) => error instanceof InputError || error instanceof CancelledError,
  );
  expect(existsSync(above)).toBe(false);
});

test('refused for the dashboard, when all else is open, it leaves nothing behind and binds the folder to nothing', async () => {
  await using taken = await takenPort();
  const { config, above } = run({ dashboard: { port: taken.port } });
  await expect(startDaemon(config, { createPolicy })).rejects.toThrow(`port ${taken.port} is in use`);
  expect(existsSync(above)).toBe(false);
  const other = { ...config, seed: config.seed + 1, dashboard: { ...config.dashboard, port: null } };
  expect(await (await startDaemon(other, { createPolicy })).closed()).toMatchObject({ end: 'steps', steps: 2 });
});

test('an empty folder of the user stays, is empty, and has the permissions that it had', async () => {
  const { config } = run({ plugins: ['./no-such-plugin.ts'] });
  mkdirSync(config.runFolder, { recursive: true, mode: 0o755 });
  const { mode } = statSync(config.runFolder);
  await expect(startDaemon(config, { createPolicy })).rejects.toThrow(InputError);
  expect(readdirSync(config.runFolder)).toEqual([]);
  expect(statSync(config.runFolder).mode).toBe(mode);
});

test('a run that has begun stays as it was, whatever is refused later', async () => {
  const { config } = run();
  const policy: DaemonHooks = {
    createPolicy: (_, { checkpoint }) => new ToyPolicy(checkpoint ? { checkpoint } : {}),
  };
  await (await startDaemon(config, policy)).closed();
  const before = filesIn(config.runFolder);
  await using taken = await takenPort();
  const dashboard = { ...config.dashboard, port: taken.port };
  await expect(startDaemon({ ...config, dashboard }, policy)).rejects.toThrow(InputError);
  await expect(startDaemon({ ...config, plugins: ['./no.ts'] }, policy)).rejects.toThrow(InputError);
  expect(filesIn(config.runFolder)).toEqual(before);
  const more = { ...config, loop: { ...config.loop, steps: 3 } };
  expect(await (await startDaemon(more, policy)).closed()).toMatchObject({ end: 'steps', steps: 3 });
});
