/** An actor past its restart budget: the exit code, the last words and the stored error. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { startCommand } from '../../src/cli/commands/start.ts';
import { createProgram } from '../../src/cli/program.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { Status } from '../../src/protocol/status.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
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
  const { folder, config } = toyRun({
    supervision,
    loop: { steps: 9, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
  });
  const file = join(folder, 'quorum.config.json');
  writeFileSync(file, JSON.stringify(config));
  const beforeLearn = ({ parent }: { readonly parent: number }): void => {
    if (parent === 2) throw new Error(WHY);
  };
  const createPolicy = () => new ToyPolicy({ faults: { beforeLearn } });
  await main(['node', 'quorum', 'start', '--config', file, ...options], createProgram(startCommand({ createPolicy })));
  return config.runFolder;
}

test('the command ends with 1, its last words give the reason, and the previous version is saved', async () => {
  const run = await fail();
  expect(process.exitCode).toBe(1);
  expect(stdout).toContain(`Failed: ${WHY}`);
  expect(stdout).toContain('Start again to continue from here.');
  expect(JSON.parse(readFileSync(join(run, 'model', 'table.json'), 'utf8'))).not.toEqual({});

  const log = readFileSync(join(run, 'log', 'quorum.log'), 'utf8')
    .trim()
    .split('\n');
  const lines = log.map(
    (line) => JSON.parse(line) as { readonly level: number; readonly msg: string; readonly error?: string },
  );
  expect(lines.filter(({ level }) => level === 50)).toMatchObject([
    { msg: 'failed', error: expect.stringContaining(WHY) },
  ]);
  using store = openStore(join(run, 'quorum.db'));
  expect(store.latestVersion()?.n).toBe(2);
  expect(store.events(10, 'note').map(({ data }) => data)).toContain(`failed: ${WHY}`);
  expect(store.events(10, 'actor.restarted').map(({ data }) => data)).toEqual(
    [1, 2].map(() => ({ actor: 'learner', reason: WHY })),
  );
});

test('the last status, which every dashboard shows, names the failed actor and the reason', async () => {
  await fail('--json');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly type: string });
  const last = lines.findLast(({ type }) => type === 'status') as unknown as Status;
  expect(last).toMatchObject({ phase: 'failed', error: WHY });
  expect(last.actors.find(({ id }) => id === 'learner')).toMatchObject({
    state: 'failed',
    doing: 'gave up',
    error: WHY,
    restarts: 2,
  });
  expect(last.notes.map(({ text }) => text)).toContain(`failed: ${WHY}`);
  expect(lines.at(-1)).toMatchObject({ type: 'report', end: 'failed', error: WHY, steps: 2 });
  expect(process.exitCode).toBe(1);
});

describe('a role that hangs', () => {
  const never = (): Promise<never> => new Promise(() => {});
  const SECONDS = 1;
  const timeouts = { sampleSeconds: SECONDS, learnSeconds: SECONDS, evaluateSeconds: SECONDS, judgeSeconds: SECONDS };
  /** From a job of its kind on, `times` times. */
  const hangs = (times: number, first = 2) => {
    let calls = 0;
    return (isMine = true): Promise<void> | void => {
      if (isMine && ++calls >= first && calls < first + times) return never();
    };
  };
  const ROLES: Readonly<Record<string, { readonly faults: (times: number) => ToyFaults; readonly says: RegExp }>> = {
    'sampler-1': {
      faults: (times) => {
        const hang = hangs(times);
        return { beforeSample: ({ reference }) => hang(reference === true) };
      },
      says: /^sampler-1: sampling 2 questions with version 0: not done after 1 s$/,
    },
    learner: {
      faults: (times) => {
        const hang = hangs(times);
        return { beforeLearn: () => hang() };
      },
      says: /^learner: learning version 2 from 4 groups: not done after 1 s$/,
    },
    evaluator: {
      faults: (times) => {
        const hang = hangs(times, 1);
        return { beforeSample: ({ reference, params }) => hang(reference !== true && params.temperature === 0) };
      },
      says: /^evaluator: evaluating version 0 in full: not done after 1 s$/,
    },
  };
  const started = (faults: ToyFaults, maxRestarts: number) => {
    const { config } = toyRun({
      timeouts,
      supervision: { maxRestarts, backoffMilliseconds: 1 },
      loop: { steps: 4, batchGroups: 4, jobQuestions: 2 },
    });
    return { run: config.runFolder, daemon: startDaemon(config, { createPolicy: () => new ToyPolicy({ faults }) }) };
  };
  const restarts = (run: string) => {
    using store = openStore(join(run, 'quorum.db'));
    return store
      .events(10, 'actor.restarted')
      .map(({ data }) => data as { readonly actor: string; readonly reason: string });
  };

  test.each(Object.entries(ROLES))(
    '%s: an error with its name and the job, a restart, and the run continues',
    async (actor, { faults, says }) => {
      const { run, daemon } = started(faults(1), 2);
      expect(await (await daemon).closed()).toMatchObject({ end: 'steps', steps: 4, restarts: 1 });
      expect(restarts(run)).toMatchObject([{ actor, reason: expect.stringMatching(says) }]);
    },
  );

  test('each time: past its budget the run ends with the same words', async () => {
    const { faults, says } = ROLES['learner']!;
    const { run, daemon } = started(faults(Infinity), 1);
    expect(await (await daemon).closed()).toMatchObject({
      end: 'failed',
      steps: 1,
      error: expect.stringMatching(says),
    });
    expect(restarts(run)).toMatchObject([{ actor: 'learner', reason: expect.stringMatching(says) }]);
  });
});
