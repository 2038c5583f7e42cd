import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { dryRunWords } from '../../src/cli/dry-run.ts';
import type { Config } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHooks } from '../../src/daemon/daemon.ts';
import { dryRun, type DryRun } from '../../src/daemon/dry-run.ts';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const createPolicy: DaemonHooks['createPolicy'] = (_, { checkpoint }) =>
  new ToyPolicy(checkpoint ? { checkpoint } : {});
const tried = (config: Config, hooks: DaemonHooks = {}): Promise<DryRun> => dryRun(config, { createPolicy, ...hooks });
const loop = { batchGroups: 4, jobQuestions: 2, maxStaleness: 1 };

/** Every file with what a write would change. */
function snapshot(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name): [string, string] => {
    const { size, mtimeMs, ino } = statSync(join(folder, name));
    return [name, `${size} ${mtimeMs} ${ino}`];
  });
  return Object.fromEntries(entries);
}

test('a dry run of a new run opens everything but the ports of plug-ins, and makes no run folder', async () => {
  let isOpened = false;
  const plugin = definePlugin({
    name: 'quiet',
    apiVersion: API_VERSION,
    ports: { reward: () => ((isOpened = true), () => undefined) },
  });
  const run = toyRun({ loop: { ...loop, steps: 5 }, plugins: [plugin] });
  vi.stubEnv('TMPDIR', temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  const found = await tried(run.config);
  expect(found).toMatchObject({
    data: { train: 48, heldOut: 12, answered: 12 },
    run: { folder: run.config.runFolder, state: 'new', version: 0, replayed: 0, inHand: 0 },
    plugins: [{ name: 'quiet', source: 'given in the configuration', thread: false, ports: ['reward'] }],
    dashboard: null,
  });
  expect(found.settings).toContainEqual({ path: 'loop.batchGroups', value: 4, default: 32 });
  expect(found.settings.map(({ path }) => path)).not.toContain('learner.learningRate');
  const asVlm = await tried({ ...run.config, preset: 'vlm' });
  expect(asVlm.settings).toContainEqual({ path: 'learner.learningRate', value: 5e-5, default: 1e-6 });
  expect(dryRunWords(found).join('\n')).toMatch(
    /48 questions to learn from, 12 held out, 12 of them with an answer\n.*\(new\)\n/,
  );
  expect(isOpened).toBe(false);
  expect(existsSync(run.config.runFolder)).toBe(false);
  expect(readdirSync(tmpdir())).toEqual([]);
});

test('a dry run of a run that was begun says where it continues, and leaves each of its files as it is', async () => {
  const run = toyRun({ loop: { ...loop, steps: 5 } });
  const daemon = await startDaemon(run.config, { createPolicy });
  await expect(tried(run.config)).rejects.toThrow(
    `runFolder ${run.config.runFolder} is in use by another Quorum daemon (process ${process.pid}`,
  );
  await daemon.closed();
  const { runFolder } = run.config;
  const before = snapshot(runFolder);
  const changed = { ...run.config, filters: { ...run.config.filters, shareFloor: 0.3 } };
  const found = await tried(changed);
  expect(found.run).toMatchObject({ folder: runFolder, state: 'continued', version: 5, replayed: 0 });
  expect(found.notes).toEqual(['settings changed since the last start: filters.shareFloor 0.3 (was 0)']);
  await expect(tried({ ...run.config, seed: 7 })).rejects.toThrow(
    `runFolder ${runFolder} was begun with seed 0, which is now 7`,
  );
  expect(snapshot(runFolder)).toEqual(before);

  // What --begin-again would move stays where it is, too.
  rmSync(join(runFolder, 'quorum.db'));
  await expect(tried(run.config)).rejects.toThrow(`${join(runFolder, 'quorum.db')} is missing`);
  const { 'quorum.db': _, ...rest } = before;
  const again = await tried(run.config, { beginAgain: true });
  expect([again.run.state, again.notes[0]]).toEqual([
    'new',
    expect.stringContaining('version 5 is the base of a new chain of versions'),
  ]);
  expect(snapshot(runFolder)).toEqual(rest);
});

test('what would keep a start from working is said in the same words', async () => {
  const run = toyRun({ loop: { ...loop, steps: 5 } });
  const refusal = (config: Config, words: string) => expect(tried(config)).rejects.toThrow(words);
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  await refusal(
    { ...run.config, dashboard: { ...run.config.dashboard, port } },
    `the dashboard cannot listen: port ${port} is in use`,
  );
  await refusal({ ...run.config, plugins: ['./nowhere.ts'] }, 'plug-in ./nowhere.ts is not found');
  await refusal({ ...run.config, runFolder: join(run.folder, 'train.jsonl') }, 'is a file: name a folder');
  writeFileSync(join(run.folder, 'held-out.jsonl'), '{');
  await refusal(run.config, join(run.folder, 'held-out.jsonl'));
});
