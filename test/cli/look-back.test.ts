/** `quorum log` and `quorum history`: what a run that runs, or has ended, can be asked without a daemon. */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, afterAll, beforeEach, expect, test, vi, describe } from 'vitest';
import { main } from '../../src/cli.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { openLog } from '../../src/store/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { METRICS } from '../../streams/metrics.ts';
import { temporaryFolder } from '../support/rig.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

let run: ToyRun;
let printed: string[] = [];
let told = '';

beforeAll(async () => {
  run = toyRun({ loop: { steps: 5, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } }, temporaryFolder());
  await (await startDaemon(run.config, { createPolicy: () => new ToyPolicy() })).closed();
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(...text.split('\n')));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((told += String(text)), true));
});
afterAll(() => void vi.restoreAllMocks());
beforeEach(() => {
  [printed, told] = [[], ''];
});

async function quorum(...args: string[]): Promise<number | string | undefined> {
  process.exitCode = 0;
  await main(['node', 'quorum', ...args, '--run', run.config.runFolder]);
  const code = process.exitCode;
  process.exitCode = 0;
  return code;
}

describe('history', () => {
  test('JSON and CSV have each metric of each version as the store has it; evaluated versions have their accuracy', async () => {
    expect(await quorum('history', '--json')).toBe(0);
    const rows = JSON.parse(printed.join('\n')) as Record<string, unknown>[];
    printed = [];
    expect(await quorum('history', '--csv')).toBe(0);
    const [head, ...lines] = printed.map((line) => line.split(','));
    {
      using store = openStore(join(run.config.runFolder, 'quorum.db'));
      for (const row of rows) {
        const { at, ...values } = store.metricRow(row['version'] as number);
        expect(row).toEqual({ version: row['version'], at: new Date(at!).toISOString(), ...values });
      }
    }
    expect(rows.map((row) => row['version'])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(rows.map((row) => typeof row['voteShare'])).toEqual(['undefined', ...Array<string>(5).fill('number')]);
    expect([rows[0]!['greedy'], rows[1]!['greedy'], rows[5]!['greedy']]).toEqual([
      expect.any(Number),
      undefined,
      expect.any(Number),
    ]);
    expect(
      lines.map((line) =>
        Object.fromEntries(line.map((cell, i) => [head![i], cell]).filter(([, cell]) => cell !== '')),
      ),
    ).toEqual(rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))));
    expect(head!.slice(0, 3)).toEqual(['version', 'at', 'greedy']);
  });

  test('the table has the newest versions and says what it leaves out; nothing else changes', async () => {
    const before = readFileSync(join(run.config.runFolder, 'quorum.db'));
    expect(await quorum('history', '-n', '2')).toBe(0);
    expect(printed[0]).toMatch(/^version +time +accuracy +vote share +reward +entropy +KL +loss +length +rate$/);
    expect(printed.slice(1, 3).map((line) => line.trim().split(/ {2,}/)[0])).toEqual(['4', '5']);
    expect(printed[3]).toBe('4 earlier versions are not shown: --last, --csv or --json has them');
    expect(readFileSync(join(run.config.runFolder, 'quorum.db')).equals(before)).toBe(true);
    expect(await quorum('history', '--csv', '--json')).toBe(2);
  });

  test('it is read while a daemon writes, and from a folder that can only be read', async () => {
    const daemon = await startDaemon(
      { ...run.config, loop: { ...run.config.loop, steps: 12 } },
      { createPolicy: (_, { checkpoint }) => new ToyPolicy({ checkpoint: checkpoint! }) },
    );
    expect(await quorum('history', '--csv')).toBe(0);
    await daemon.closed();
    chmodSync(run.config.runFolder, 0o500);
    printed = [];
    expect(await quorum('history', '--csv')).toBe(0);
    chmodSync(run.config.runFolder, 0o700);
    expect(printed.at(-1)).toMatch(/^12,/);
  });

  test('every metric is in the documentation', () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    for (const [name, meaning] of Object.entries(METRICS)) expect(page).toContain(`| \`${name}\` | ${meaning} |`);
  });
});

describe('log', () => {
  const rotated = () => {
    const folder = join(run.config.runFolder, 'log');
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const line = (i: number, level = 30) =>
      `${JSON.stringify({ level, time: `2026-01-02T03:04:${String(i).padStart(2, '0')}.000Z`, version: i, msg: `line ${i}` })}\n`;
    writeFileSync(join(folder, 'quorum.2.log'), line(1) + line(2));
    writeFileSync(join(folder, 'quorum.1.log'), line(3, 40) + line(4));
    writeFileSync(
      join(folder, 'quorum.log'),
      `${JSON.stringify({ level: 50, time: '2026-01-02T03:04:05.000Z', error: 'Error: no\u001b[2Jroom\n    at x', msg: 'failed' })}\n`,
    );
    return folder;
  };

  test('the last lines are in words, over rotated files, or as they are; less serious ones are left out', async () => {
    rotated();
    expect(await quorum('log', '-n', '4')).toBe(0);
    expect(printed.map((line) => line.replace(/^\S+ \S+ {2}/, ''))).toEqual([
      'line 2, version 2',
      'warning: line 3, version 3',
      'line 4, version 4',
      'error: failed: Error: no [2Jroom',
    ]);
    expect(printed[0]).toMatch(/^2026-01-0\d \d\d:\d\d:02 {2}/);
    printed = [];
    expect(await quorum('log', '--level', 'warn', '--json')).toBe(0);
    expect(printed.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([40, 50]);
  });

  test('lines are followed as they come, also over a rotation, until Ctrl-C', async () => {
    const folder = rotated();
    const following = quorum('log', '-n', '1', '--follow');
    await vi.waitFor(() => expect(printed).toHaveLength(1), 30_000);
    const log = openLog(folder, { level: 'info', maxMegabytes: 0.0001, maxFiles: 3 });
    for (const text of ['one', 'two é', 'three']) {
      log.info(text);
      await vi.waitFor(() => expect(printed.at(-1)).toMatch(new RegExp(` {2}${text}$`)), 30_000);
    }
    process.emit('SIGINT');
    expect(await following).toBe(0);
    expect(printed).toHaveLength(4);
  });

  test('a folder without a log is named', async () => {
    rmSync(join(run.config.runFolder, 'log'), { recursive: true });
    expect(await quorum('log')).toBe(2);
    expect(told).toContain(`${run.config.runFolder} has no log: name a run folder with --run`);
  });
});
