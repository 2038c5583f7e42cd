/** What docs/dashboard.md and docs/security.md say of the dashboard, held against the dashboard. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LIVE_PATHS } from '../../src/config/live.ts';
import { openDesk } from './server/support/browser.ts';

const rowsOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

test('every metric is in the table of metrics, with its help and its labels', async () => {
  const page = await (await (await openDesk()).get('/metrics')).text();
  const exported = [...page.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [`\`${name}\``, help]);
  const written = rowsOf('docs/dashboard.md').filter(([name]) => name!.startsWith('`quorum_'));
  expect(written.map(([name, , help]) => [name, help])).toEqual(exported);
  for (const [, name, labels] of page.matchAll(/^(\w+)\{([^}]*)\}/gm)) {
    const names = [...labels!.matchAll(/(\w+)="/g)].map(([, label]) => label).join(', ');
    expect([name, written.find(([cell]) => cell === `\`${name}\``)?.[1]]).toEqual([name, names]);
  }
});

test('every live setting is in the table of settings', () => {
  const text = rowsOf('docs/dashboard.md').flat().join(' ');
  for (const path of LIVE_PATHS) expect(text).toContain(`\`${path}\``);
});

test('what is said to stop a threat has a test of that name', () => {
  const rows = rowsOf('docs/security.md').filter((cells) => cells.at(-1)!.startsWith('`test/'));
  expect(rows.length).toBeGreaterThan(20);
  for (const cells of rows) {
    const [, file, name] = /^`(test\/\S+)`: (.*)$/.exec(cells.at(-1)!)!;
    const source = readFileSync(file!, 'utf8');
    expect({ file, name, exists: [`'${name}'`, `"${name}"`].some((quoted) => source.includes(quoted)) }).toEqual({ file, name, exists: true });
  }
});
