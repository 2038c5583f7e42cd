/** A daemon whose disk is full, is read-only, is locked by another process, or loses files. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { filter, firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { explain } from '../../src/cli/errors.ts';
import { closingWords } from '../../src/cli/commands/start.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { openStore } from '../../src/store/open-store.ts';
import { startChild } from '../store/child.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const STEPS = 8;
const loop = (steps: number | null = STEPS): ConfigInput => ({
  loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
});
const start = ({ config }: ToyRun, faults: ToyFaults = {}): Promise<DaemonHandle> =>
  startDaemon(config, {
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
  });
const reached = (daemon: DaemonHandle, version: number) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.version >= version)));

/** Each group that was learnt, once. */
function learnt({ config }: ToyRun): string[] {
  using store = openStore(join(config.runFolder, 'quorum.db'));
  const ids = store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.id));
  expect(new Set(ids).size).toBe(ids.length);
  return ids;
}

const tmpfs = ['unshare', '-rm', 'sh', '-c', 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'];
/** Needs root or user namespaces: a disk of its own, to be filled and to be made read-only. */
const canMount = spawnSync(tmpfs[0]!, [...tmpfs.slice(1), '/mnt', 'true']).status === 0;

test.skipIf(!canMount)(
  'a full disk ends the run cleanly and is named; with space again the same start continues; a read-only disk is refused',
  async () => {
    const disk = join(temporaryFolder(), 'disk');
    mkdirSync(disk);
    const child = startChild('../faults/disk-child.ts', [disk], [...tmpfs, disk]);
    const lines: Record<string, unknown>[] = [];
    for await (const line of child.lines) lines.push(JSON.parse(line) as Record<string, unknown>);
    expect((await child.ended).errors).toBe('');
    const [filled, stillFull, roomAgain, checked, readOnly, another] = lines;
    const error = expect.stringMatching(
      /^(no space left on the disk of|cannot write) .*\/disk\/run\/.*nothing saved before was harmed/,
    );
    expect(filled).toEqual({
      end: 'failed',
      error,
      steps: expect.any(Number),
      phase: 'failed',
      note: filled!['error'],
    });
    expect(filled!['steps']).toBeGreaterThanOrEqual(6);
    expect(stillFull).toEqual({ refused: 'InputError', error, exitCode: 1 });
    expect(roomAgain).toMatchObject({ end: 'steps', steps: 12, learntOnce: true });
    expect(checked).toEqual({ findings: [] });
    expect(readOnly).toEqual({
      refused: 'InputError',
      error: expect.stringMatching(/read-only\/run.*read-only: make it writable/),
      exitCode: 2,
    });
    expect(another).toEqual({
      refused: 'InputError',
      error: expect.stringMatching(/read-only\/another: .*read-only: make it writable/),
      exitCode: 2,
    });
  },
  120_000,
);

// Permissions do not bind root; the test above has a read-only disk for it.
test.skipIf(process.getuid?.() === 0)(
  'a run folder without write permission is refused by name, with the fix',
  async () => {
    const run = toyRun(loop());
    mkdirSync(run.config.runFolder, { mode: 0o500 });
    await expect(start(run)).rejects.toThrow(/run.* make it writable/);
  },
);

test('the exit code is 2 for an error that another command line fixes, otherwise 1', () => {
  const full = new InputError('no space left', { cause: Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }) });
  expect([full, new InputError('not a model'), new Error('a bug')].map((error) => explain(error, false).code)).toEqual([
    1, 2, 1,
  ]);
});

test('a database locked by another process ends the run cleanly; once it is free the same start continues', async () => {
  const run = toyRun(loop());
  let other: InstanceType<typeof Libsql> | undefined;
  const daemon = await start(run, {
    beforeLearn: ({ parent }) => {
      if (parent !== 5) return;
      other = new Libsql(join(run.config.runFolder, 'quorum.db'));
      other.exec('BEGIN IMMEDIATE');
      // Nothing runs in this process while the daemon waits for the lock: due by then, this is the first to run when it
      // has given up.
      setTimeout(() => other!.exec('ROLLBACK'), 2_000);
    },
  });
  const report = await daemon.closed();
  expect(report).toMatchObject({
    end: 'failed',
    error: expect.stringMatching(/quorum\.db is locked by another process; stop it first$/),
  });
  expect(report).toMatchObject({ steps: 5, saved: 5 }); // version 6 was learnt and could not be stored
  expect(closingWords(report).join('\n')).toContain('is locked by another process');
  other!.close();
  expect(await (await start(run)).closed()).toMatchObject({ end: 'steps', steps: STEPS });
  expect(learnt(run)).toHaveLength(4 * STEPS);
}, 60_000);

test('a run continues after its checkpoints are deleted: the next one is written to the same place', async () => {
  const run = toyRun({ ...loop(), checkpoints: { everySteps: 2, keepLast: 2 } });
  const folder = join(run.config.runFolder, 'checkpoints');
  const daemon = await start(run, {
    beforeLearn: ({ parent }) => void (parent === 4 && rmSync(folder, { recursive: true })),
  });
  const report = await daemon.closed();
  expect(report).toMatchObject({ end: 'steps', steps: STEPS });
  expect(readdirSync(folder)).toEqual(['v000006', 'v000008']);
  expect(existsSync(join(report.folder, 'table.json'))).toBe(true);
  expect(lstatSync(folder).mode & 0o777).toBe(0o700);
});

test.skipIf(!existsSync('/dev/full'))(
  'a log that cannot be written does not end the run, nor does one whose folder is gone',
  async () => {
    const run = toyRun(loop(4));
    await (await start(run)).closed();
    const log = join(run.config.runFolder, 'log');
    rmSync(join(log, 'quorum.log'));
    symlinkSync('/dev/full', join(log, 'quorum.log'));
    const longer = (steps: number) => ({ ...run, config: { ...run.config, loop: { ...run.config.loop, steps } } });
    expect(await (await start(longer(6))).closed()).toMatchObject({ end: 'steps', steps: 6 });
    rmSync(join(log, 'quorum.log'));
    const daemon = await start(longer(STEPS), { beforeLearn: () => rmSync(log, { recursive: true, force: true }) });
    await reached(daemon, STEPS);
    expect(await daemon.closed()).toMatchObject({ end: 'steps', steps: STEPS });
    await (await start(longer(STEPS))).closed();
    expect(readFileSync(join(log, 'quorum.log'), 'utf8')).not.toContain('lost');
  },
);
