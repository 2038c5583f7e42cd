/** An actor past its restart budget: what a user, a script, and who looks later are told. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { startCommand } from '../../src/cli/commands/start.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { Status } from '../../src/protocol/status.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const WHY = 'the learner thread failed: out of memory';
let stdout: string;

beforeEach(() => {
  stdout = '';
  vi.spyOn(console, 'log').mockImplementation((text: string) => void (stdout += `${text}\n`));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** `quorum start` of a run whose learner fails from version 2 on. @returns the run folder */
async function fail(...options: string[]): Promise<string> {
  const supervision = { maxRestarts: 2, backoffMilliseconds: 1 };
  const { folder, config } = toyRun({ supervision, loop: { steps: 9, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } });
  const file = join(folder, 'quorum.config.json');
  writeFileSync(file, JSON.stringify(config));
  const beforeLearn = ({ parent }: { readonly parent: number }): void => {
    if (parent === 2) throw new Error(WHY);
  };
  const createPolicy = () => new ToyPolicy({ faults: { beforeLearn } });
  await main(['node', 'quorum', 'start', '--config', file, ...options], createProgram(startCommand({ createPolicy })));
  return config.runFolder;
}

test('the command ends with 1, its last words say why, and the version before is saved', async () => {
  const run = await fail();
  expect(process.exitCode).toBe(1);
  expect(stdout).toContain(`Failed: ${WHY}`);
  expect(stdout).toContain('Start again to go on from here.');
  expect(JSON.parse(readFileSync(join(run, 'model', 'table.json'), 'utf8'))).not.toEqual({});

  const log = readFileSync(join(run, 'log', 'quorum.log'), 'utf8')
    .trim()
    .split('\n');
  const lines = log.map((line) => JSON.parse(line) as { readonly level: number; readonly msg: string; readonly error?: string });
  expect(lines.filter(({ level }) => level === 50)).toMatchObject([{ msg: 'failed', error: expect.stringContaining(WHY) }]);
  using store = openStore(join(run, 'quorum.db'));
  expect(store.latestVersion()?.n).toBe(2);
  expect(store.events(10, 'note').map(({ data }) => data)).toContain(`failed: ${WHY}`);
  expect(store.events(10, 'actor.restarted').map(({ data }) => data)).toEqual([1, 2].map(() => ({ actor: 'learner', reason: WHY })));
});

test('the last status, which is what every dashboard shows, names the actor that gave up and why', async () => {
  await fail('--json');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string });
  const last = lines.findLast(({ type }) => type === 'status') as unknown as Status;
  expect(last).toMatchObject({ phase: 'failed', error: WHY });
  expect(last.actors.find(({ id }) => id === 'learner')).toMatchObject({ state: 'failed', doing: 'gave up', error: WHY, restarts: 2 });
  expect(last.notes.map(({ text }) => text)).toContain(`failed: ${WHY}`);
  expect(lines.at(-1)).toMatchObject({ type: 'report', end: 'failed', error: WHY, steps: 2 });
  expect(process.exitCode).toBe(1);
});
