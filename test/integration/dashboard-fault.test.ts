import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Report } from '../../src/protocol/status.ts';
import { Browser } from '../dashboards/server/support/browser.ts';
import { nodeArguments } from '../support/script.ts';
import { temporaryFolder } from '../support/temporary.ts';

const CHILD = nodeArguments(new URL('../support/failing-dashboard.ts', import.meta.url));
const RESTARTS = 2;

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 1500) throw new Error('it never held');
    await setTimeout(20);
  }
}

test(
  'an error that nothing in the dashboard catches costs the dashboard a restart, at last the dashboard, never the loop',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const input: ConfigInput = {
      dashboard: { port: 0 },
      loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
      supervision: { maxRestarts: RESTARTS, backoffMilliseconds: 10 },
    };
    const child = spawn(process.execPath, [...CHILD, folder, JSON.stringify(input)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const closed = once(child, 'close');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { value: url } = (await lines.next()) as { value: string };
    const isServed = () =>
      fetch(`${url}healthz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    for (let fault = 0; fault <= RESTARTS; fault += 1) {
      await until(isServed);
      await new Browser({ port: Number(new URL(url).port) }).closed;
    }
    const log = () => readFileSync(join(folder, 'run', 'log', 'quorum.log'), 'utf8');
    await until(() => log().includes('stays closed'));
    expect(log().match(/the dashboard failed and was started again: Error: a fault of the dashboard/g)).toHaveLength(
      RESTARTS,
    );
    expect(await isServed()).toBe(false);
    child.kill('SIGTERM');
    const { value: report } = (await lines.next()) as { value: string };
    expect(JSON.parse(report) as Report).toMatchObject({ end: 'stopped' });
    expect(await closed).toEqual([0, null]);
  },
);
