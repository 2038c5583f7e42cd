import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const start = ({ config }: ToyRun, faults: ToyFaults = {}): Promise<DaemonHandle> =>
  startDaemon(config, {
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
  });

const run = (dashboard: ConfigInput['dashboard'], steps: number | null = null) =>
  toyRun({ dashboard, loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } });

test('serves while the daemon runs, and tells its address without its tokens', async () => {
  const tokens = { viewToken: 'to-look-0123456789', controlToken: 'to-command-0123456789' };
  const served = run({ port: 0, ...tokens });
  const daemon = await start(served);
  const { url, links } = daemon.dashboard!;
  expect(daemon.status().dashboard).toBe(url);
  expect(links).toEqual({ view: `${url}?token=${tokens.viewToken}`, control: `${url}?token=${tokens.controlToken}` });
  expect((await fetch(`${url}healthz`)).status).toBe(200);
  await daemon.stop();
  await expect(fetch(`${url}healthz`)).rejects.toThrow();
  const written = ['config.json', join('log', 'quorum.log'), 'quorum.db']
    .map((file) => readFileSync(join(served.config.runFolder, file), 'latin1'))
    .join();
  for (const token of Object.values(tokens)) expect(written).not.toContain(token);
  expect(JSON.stringify(daemon.status())).not.toContain('0123456789');
});

test('a port in use is an error that names it, and the run folder is released', async () => {
  await using first = await start(run({ port: 0 }));
  const { port } = new URL(first.dashboard!.url);
  const second = run({ port: Number(port) }, 2);
  await expect(start(second)).rejects.toMatchObject({
    name: 'InputError',
    message: expect.stringContaining(`port ${port}`),
  });
  expect(
    await (
      await start({ ...second, config: { ...second.config, dashboard: { ...second.config.dashboard, port: null } } })
    ).closed(),
  ).toMatchObject({
    end: 'steps',
    steps: 2,
  });
  expect((await fetch(`${first.dashboard!.url}healthz`)).status).toBe(200);
});

test('a restart of an actor is in the event log', async () => {
  const restarting = run({ port: null }, 3);
  let failed = false;
  const daemon = await start(restarting, {
    beforeLearn: () => {
      if (failed) return;
      failed = true;
      throw new Error('a thread died');
    },
  });
  expect(daemon.dashboard).toBeNull();
  await daemon.closed();
  using store = openStore(join(restarting.config.runFolder, 'quorum.db'));
  expect(store.events(10, 'actor.restarted').map(({ data }) => data)).toEqual([
    { actor: 'learner', reason: 'a thread died' },
  ]);
});
