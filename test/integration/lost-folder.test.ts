/**
 * The run folder, or its database, is deleted, moved or replaced under a running daemon: it pauses with the reason, and
 * reports at its end what is left.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { expect, test } from 'vitest';
import { closingWords } from '../../src/cli/commands/start.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { findDaemon } from '../../src/store/run-folder.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const AT = 3;

interface Lost {
  readonly toy: ToyRun;
  readonly daemon: DaemonHandle;
  readonly policy: ToyPolicy;
}

/** A daemon under which `lose` was called while it learnt version `AT`; it has paused since. */
async function lost(lose: (folder: string) => void, staleness: number): Promise<Lost> {
  const toy = toyRun({ loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: staleness } });
  const policies: ToyPolicy[] = [];
  const afterLearn = ({ parent }: { readonly parent: number }): void => {
    if (parent === AT - 1) lose(toy.config.runFolder);
  };
  const daemon = await startDaemon(toy.config, {
    createPolicy: (_, { checkpoint }) => {
      const policy = new ToyPolicy({ faults: { afterLearn }, ...(checkpoint && { checkpoint }) });
      policies.push(policy);
      return policy;
    },
  });
  await firstValueFrom(daemon.status$().pipe(filter(({ phase }) => phase === 'paused')));
  expect(daemon.status().version).toBe(AT); // within the step
  return { toy, daemon, policy: policies[0]! };
}

const notes = (daemon: DaemonHandle): string =>
  daemon
    .status()
    .notes.map(({ text }) => text)
    .join('\n');

test.each([0, 1])(
  'deleted, at staleness %i: paused, a resume is refused, and a stop saves the weights next to it',
  async (staleness) => {
    const { toy, daemon, policy } = await lost((folder) => rmSync(folder, { recursive: true }), staleness);
    const folder = toy.config.runFolder;
    const gone = `the run folder ${folder} was deleted or moved away`;
    expect(notes(daemon)).toContain(`learning is paused: ${gone}`);
    await expect(daemon.resume()).rejects.toThrow(`resume: ${gone}`);
    expect(daemon.status().held).toBe(gone);
    await expect(daemon.command({ type: 'checkpoint' }, 'a test')).rejects.toThrow(
      `version ${AT} cannot be saved: ${gone}`,
    );
    expect(daemon.status()).toMatchObject({ phase: 'paused', version: AT });
    const weights = policy.weights(AT);
    const report = await daemon.stop();
    const saved = join(`${folder}.rescued`, 'v000003');
    expect(report).toMatchObject({ end: 'failed', lost: true, steps: AT, saved: AT, folder: saved, bestFolder: null });
    expect(report.error).toContain(`${gone} while the daemon ran. Version ${AT} is saved in ${saved}.`);
    expect(readFileSync(join(saved, 'table.json'), 'utf8')).toBe(weights);
    expect(existsSync(folder)).toBe(false); // not made anew with less in it
    const words = closingWords(report).join('\n');
    expect(words).not.toContain('Start again');
    expect(words).toContain(saved);
  },
);

test('moved away and back: resumes where it was, and nothing is lost', async () => {
  const { toy, daemon } = await lost((folder) => renameSync(folder, `${folder}-elsewhere`), 1);
  const folder = toy.config.runFolder;
  expect(findDaemon(`${folder}-elsewhere`)).toMatchObject({
    pid: process.pid,
    socket: join(`${folder}-elsewhere`, 'daemon.sock'),
  });
  await expect(daemon.resume()).rejects.toThrow('was deleted or moved away');
  renameSync(`${folder}-elsewhere`, folder);
  await daemon.resume();
  expect(notes(daemon)).toContain('the run folder is back in its place');
  expect(daemon.status().held).toBeUndefined();
  await firstValueFrom(daemon.status$().pipe(filter(({ version }) => version >= AT + 2)));
  const report = await daemon.stop();
  expect(report).toMatchObject({ end: 'stopped' });
  expect(report).not.toHaveProperty('lost');
  expect(closingWords(report).at(-1)).toBe('Start again to continue from here.');
  const { findings, database } = await checkRun(folder);
  expect(findings).toEqual([]);
  expect(database!.versions.map(({ n }) => n)).toEqual(Array.from({ length: report.steps + 1 }, (_, n) => n));
});

test('replaced by a copy: stays paused, and nothing is written into the copy', async () => {
  const { toy, daemon } = await lost((folder) => {
    renameSync(folder, `${folder}-elsewhere`);
    cpSync(`${folder}-elsewhere`, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  }, 1);
  const folder = toy.config.runFolder;
  expect(notes(daemon)).toContain(`the run folder ${folder} was replaced by another`);
  await expect(daemon.resume()).rejects.toThrow('was replaced by another');
  mkdirSync(join(folder, 'checkpoints', 'v999999'));
  expect(await daemon.stop()).toMatchObject({ lost: true, folder: join(`${folder}.rescued`, 'v000003') });
  expect(existsSync(join(folder, 'checkpoints', 'v000003'))).toBe(false);
});

test('the database alone deleted: paused; a stop saves the version, and --begin-again takes it for a base', async () => {
  const { toy, daemon } = await lost((folder) => rmSync(join(folder, 'quorum.db')), 0);
  const database = join(toy.config.runFolder, 'quorum.db');
  expect(notes(daemon)).toContain(`the database ${database} was deleted or moved away`);
  const report = await daemon.stop();
  expect(report).toMatchObject({ lost: true, saved: AT, folder: join(toy.config.runFolder, 'checkpoints', 'v000003') });
  expect(report.error).toContain('--begin-again');
  const createPolicy = (): ToyPolicy => new ToyPolicy();
  await expect(startDaemon(toy.config, { createPolicy })).rejects.toThrow(`${database} is missing`);
  await using again = await startDaemon(toy.config, { createPolicy, beginAgain: true });
  expect(notes(again)).toContain(`version ${AT} is the base of a new chain of versions`);
});
