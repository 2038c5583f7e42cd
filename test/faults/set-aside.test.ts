/** Unsound steps in a whole daemon: pauses, and messages to the user. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const input: ConfigInput = {
  seed: 7,
  loop: { steps: 5, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.5, dropAllAgree: false },
};
const weightsIn = (folder: string) => readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8');

/** Log-probabilities of batch 2 are off by a thousand. */
class Off extends ToyPolicy {
  override step(batch: Batch) {
    if (batch.id !== 2) return super.step(batch);
    const groups = batch.groups.map(({ group, verdict }) => ({
      verdict,
      group: { ...group, samples: group.samples.map((sample) => ({ ...sample, logprobs: [-1000] })) },
    }));
    return super.step({ ...batch, groups });
  }
}

const phase = (daemon: DaemonHandle, wanted: string) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.phase === wanted)));

test('a step that is not sound is not taken: the run pauses and says why, with the guardian off and after a restart, until it is resumed', async () => {
  const { folder, config } = toyRun({ ...input, guardian: { mode: 'off' } });
  const start = () =>
    startDaemon(config, {
      pluginFolder: folder,
      createPolicy: (_, { checkpoint }) => new Off(checkpoint ? { checkpoint } : {}),
    });
  const reason =
    /^batch 2 \(4 groups\) is set aside at version 2: the step is not sound and was not taken: its mean importance ratio is Infinity/;

  const first = await start();
  const paused = await phase(first, 'paused');
  expect(paused).toMatchObject({ version: 2, held: expect.stringMatching(reason), groups: { setAside: 4 } });
  expect(paused.notes.at(-1)?.text).toMatch(
    /learning is paused: look at it \(quorum doctor --run\), then resume or stop$/,
  );
  expect(await first.stop()).toMatchObject({ end: 'stopped', steps: 2 });
  {
    using store = openStore(join(config.runFolder, 'quorum.db'));
    const plain = new ToyPolicy();
    await plain.open();
    for (const batch of store.batchesSince(0)) await plain.step(batch);
    expect(weightsIn(folder)).toBe(plain.weights());
    expect(store.batchesSetAside(9)).toMatchObject([{ batchId: 2, numbers: { ratio: Infinity } }]);
  }
  const { findings } = await checkRun(config.runFolder);
  expect(findings).toMatchObject([
    {
      part: 'set-aside',
      harmless: true,
      problem: expect.stringMatching(/^holds batch 2 \(4 groups\), set aside at version 2: the step is not sound/),
    },
  ]);

  const second = await start();
  expect(await phase(second, 'paused')).toMatchObject({ version: 2, held: expect.stringMatching(reason) });
  await second.resume();
  expect(second.status().held).toBeUndefined();
  expect(await second.closed()).toMatchObject({ end: 'steps', steps: 5 });
  const third = await startDaemon(
    { ...config, loop: { ...config.loop, steps: 6 } },
    { pluginFolder: folder, createPolicy: (_, { checkpoint }) => new Off(checkpoint ? { checkpoint } : {}) },
  );
  expect(await third.closed()).toMatchObject({ end: 'steps', steps: 6 });
});
