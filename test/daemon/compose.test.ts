import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

test('a plug-in may tell, and ask for the end, as it opens: the parts that hear it exist before the actors do', async () => {
  const eager = definePlugin({
    name: 'eager',
    apiVersion: API_VERSION,
    ports: {
      filter: ({ tell, stop }) => {
        tell('I am here');
        stop('enough');
        return () => undefined;
      },
    },
  });
  const { config, folder } = toyRun({ plugins: [eager], loop: { steps: 1000, batchGroups: 4 } });
  const daemon = await startDaemon(config, { pluginFolder: folder, createPolicy: () => new ToyPolicy() });
  expect(await daemon.closed()).toMatchObject({ end: 'plugin', reason: 'plug-in eager: enough' });
  expect(daemon.plugins()).toMatchObject([{ name: 'eager', ports: [{ port: 'filter', restarts: 0 }] }]);
  expect(daemon.status().notes.map(({ text }) => text)).toContain('eager: I am here');
});

test('what the policy does by itself is told: in the status, in the events, in the log', async () => {
  class Telling extends ToyPolicy {
    #tell: (text: string) => void = () => {};

    onNote(listener: (text: string) => void): void {
      this.#tell = listener;
    }

    override async step(...call: Parameters<ToyPolicy['step']>) {
      this.#tell('passes are smaller now');
      return super.step(...call);
    }
  }
  const { config, folder } = toyRun({ loop: { steps: 1, batchGroups: 4 } });
  const daemon = await startDaemon(config, { pluginFolder: folder, createPolicy: () => new Telling() });
  expect(await daemon.closed()).toMatchObject({ end: 'steps' });
  expect(daemon.status().notes.map(({ text }) => text)).toContain('passes are smaller now');
  using store = openStore(join(config.runFolder, 'quorum.db'));
  expect(store.events(100, 'note').map(({ data }) => data)).toContain('passes are smaller now');
  expect(readFileSync(join(config.runFolder, 'log', 'quorum.log'), 'utf8')).toContain('passes are smaller now');
});
