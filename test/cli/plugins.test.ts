import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { temporaryFolder } from '../support/rig.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';
import { until } from '../support/until.ts';

let folder: string;
let stdout: string;
let stderr: string;
let daemon: DaemonHandle | undefined;

beforeEach(() => {
  folder = temporaryFolder();
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  vi.spyOn(console, 'log').mockImplementation((text: string) => void (stdout += `${text}\n`));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await daemon?.stop();
  daemon = undefined;
});

/** @returns the exit code; `stdout` and `stderr` are of this call only. */
async function quorum(...args: string[]): Promise<number | string | undefined> {
  [stdout, stderr] = ['', ''];
  process.exitCode = 0;
  await main(['node', 'quorum', ...args]);
  const code = process.exitCode;
  process.exitCode = 0;
  return code;
}

/** A plug-in's file in the folder. @returns its path. */
function plugin(name: string, ports: string): string {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, `export default { name: '${name}', apiVersion: 1, ports: { ${ports} } };`);
  return file;
}

const WATCHES = 'watch: () => () => {}';
const FAILS = "filter: () => () => { throw new Error('no scale on the table'); }";

async function start(): Promise<string> {
  const { config } = toyRun(
    { supervision: { maxRestarts: 1, backoffMilliseconds: 1 }, plugins: [plugin('fails', FAILS)] },
    folder,
  );
  daemon = await startDaemon(config, { pluginFolder: folder, createPolicy: () => new ToyPolicy({}) });
  return config.runFolder;
}

const listed = () =>
  JSON.parse(stdout) as { running: boolean; plugins: { name: string; ports: { port: string; state: string }[] }[] };

describe('quorum plugins, of a daemon that runs', () => {
  it('shows each port with the state of its actor, its restarts and its last error', async () => {
    const run = await start();
    await until(() => daemon!.plugins()[0]!.ports[0]!.state === 'parked');
    expect(await quorum('plugins', '--run', run)).toBe(0);
    expect(stdout).toMatch(
      /fails .*fails\.ts\n {2}filter +parked +filter-fails +1× restarted\n {4}.*no scale on the table\n$/,
    );
  });

  it('adds one until the daemon stops, restarts, reloads and removes it', async () => {
    const run = await start();
    const file = plugin('watches', WATCHES);
    expect(await quorum('plugins', 'add', file, '--run', run)).toBe(0);
    expect(stdout).toMatch(
      /Added .*watches\.ts\. It stays until the daemon stops: list it in plugins of the configuration to keep it\./,
    );
    expect(stdout).toMatch(/watch +running +watcher-watches\n/);
    expect(await quorum('plugins', 'restart', 'watches', '--run', run)).toBe(0);
    expect(stdout).toMatch(/^Restarted watches\.\n/);
    plugin('watches', `${WATCHES}, panel: () => () => ({ title: 'Seen', blocks: [] })`);
    expect(await quorum('plugins', 'reload', 'watches', '--run', run, '--json')).toBe(0);
    expect(
      listed()
        .plugins.find(({ name }) => name === 'watches')!
        .ports.map(({ port }) => port),
    ).toEqual(['watch', 'panel']);
    expect(await quorum('plugins', 'remove', 'watches', '--run', run, '--json')).toBe(0);
    expect(listed()).toMatchObject({ running: true, plugins: [{ name: 'fails' }] });
  });

  it.each<[string, string[], RegExp]>([
    ['a name that there is not', ['remove', 'nobody'], /there is no plug-in "nobody"; loaded: fails/],
    [
      'a package that there is not',
      ['add', 'quorum-reward-of-nobody'],
      /plug-in quorum-reward-of-nobody is not found: npm install/,
    ],
    [
      'options for a plug-in without options',
      ['add', 'quorum/plugins/majority', '--options', '{"x": 1}'],
      /majority.*options/,
    ],
  ])('ends with 2 for %s', async (_, args, message) => {
    const run = await start();
    expect(await quorum('plugins', ...args, '--run', run)).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(daemon!.plugins().map(({ name }) => name)).toEqual(['fails']);
  });
});

describe('quorum plugins, without a daemon', () => {
  it('loads what the configuration lists, and says so', async () => {
    plugin('watches', WATCHES);
    const file = join(folder, 'quorum.config.json');
    const config = { data: { type: 'figures' }, plugins: ['./watches.ts'], runFolder: './run' };
    writeFileSync(file, JSON.stringify(config));
    expect(await quorum('plugins', '-c', file)).toBe(0);
    expect(stdout).toMatch(
      /^No daemon runs on .*run: these are the plug-ins of the configuration\.\nwatches {2}\.\/watches\.ts\n {2}watch\n$/,
    );
    expect(await quorum('plugins', '-c', file, '--json')).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      running: false,
      plugins: [{ name: 'watches', source: './watches.ts', thread: false, ports: [{ port: 'watch' }] }],
    });
    writeFileSync(file, JSON.stringify({ ...config, plugins: ['./nowhere.ts'] }));
    expect(await quorum('plugins', '-c', file)).toBe(2);
    expect(stderr).toContain('plug-in ./nowhere.ts is not found');
  });

  it.each(['add', 'remove', 'restart', 'reload'])('%s ends with 3', async (name) => {
    expect(await quorum('plugins', name, 'x', '--run', folder)).toBe(3);
    expect(stderr).toContain(`no daemon runs on ${folder}`);
  });

  it.each<[string[], RegExp]>([
    [['plugins', 'add'], /missing required argument 'use'/],
    [['plugins', 'ad', 'x'], /too many arguments/],
    [['plugins', 'add', 'x', '--options', '{'], /Expected JSON/],
  ])('%j ends with 2', async (args, message) => {
    expect(await quorum(...args)).toBe(2);
    expect(stderr).toMatch(message);
  });
});
