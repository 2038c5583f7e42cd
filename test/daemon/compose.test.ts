import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
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
