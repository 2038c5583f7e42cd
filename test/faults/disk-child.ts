/**
 * A daemon around the toy policy on a small disk of its own. Argument: the disk. Prints, a line of JSON each: how the
 * launch ended during which somebody filled the disk; with the disk still full, how the next start ended; the launch
 * after there was room again; what a check of the same folder finds where it can only be read; a start there, and one
 * on a folder that cannot be made there.
 */
import '../support/ends-with-test.ts';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { explain } from '../../src/cli/errors.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { openStore } from '../../src/store/open-store.ts';
import { toyRun } from '../support/toy-run.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';

const [disk] = process.argv.slice(2) as [string];
const { config } = toyRun({ loop: { steps: 12, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 } }, disk);
const ballast = join(disk, 'ballast');

function fill(): void {
  mkdirSync(ballast, { recursive: true });
  for (const size of [65_536, 4096]) {
    try {
      for (let i = 0; ; i++) writeFileSync(join(ballast, `${size}-${i}`), Buffer.alloc(size));
    } catch {
      // It is full.
    }
  }
}

function learntOnce(): boolean {
  using store = openStore(join(config.runFolder, 'quorum.db'));
  const ids = store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.id));
  return ids.length === 48 && new Set(ids).size === 48;
}

async function launch(faults: ToyFaults = {}, runFolder = config.runFolder): Promise<void> {
  const print = (what: object): void => console.log(JSON.stringify(what));
  try {
    const daemon = await startDaemon(
      { ...config, runFolder },
      {
        createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
      },
    );
    const { end, error, steps } = await daemon.closed();
    const { phase, error: note } = daemon.status();
    print({ end, error, steps, phase, note, ...(end === 'steps' && { learntOnce: learntOnce() }) });
  } catch (error) {
    print({ refused: (error as Error).name, error: (error as Error).message, exitCode: explain(error, false).code });
  }
}

await launch({ beforeLearn: ({ parent }) => void (parent === 6 && fill()) });
await launch();
rmSync(ballast, { recursive: true });
await launch();

const readOnly = join(disk, 'read-only');
mkdirSync(readOnly);
spawnSync('mount', ['--bind', disk, readOnly], { stdio: 'inherit' });
spawnSync('mount', ['-o', 'remount,bind,ro', readOnly], { stdio: 'inherit' });
console.log(JSON.stringify({ findings: (await checkRun(join(readOnly, 'run'))).findings }));
await launch({}, join(readOnly, 'run'));
await launch({}, join(readOnly, 'another'));
