import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLog } from '../../src/store/log.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KILOBYTE = 1 / 1024;

test('lines are whole, in order, and within the bounds in size and number', () => {
  const folder = temporaryFolder();
  const log = openLog(folder, { level: 'info', maxMegabytes: 4 * KILOBYTE, maxFiles: 3 });
  for (let i = 0; i < 500; i++) log.info({ i }, 'step');
  log.debug('not written');
  const names = readdirSync(folder).sort();
  expect(names).toEqual(['quorum.1.log', 'quorum.2.log', 'quorum.log']);
  for (const name of names) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(4096);
  const lines = ['quorum.2.log', 'quorum.1.log', 'quorum.log'].flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'),
  );
  const numbers = lines.map((line) => (JSON.parse(line) as { i: number }).i);
  expect(numbers.length).toBeGreaterThan(100);
  expect(numbers).toEqual(numbers.map((_, place) => 500 - numbers.length + place));
});

test('a restart continues the same file, and its size counts', () => {
  const folder = temporaryFolder();
  const options = { level: 'info', maxMegabytes: KILOBYTE, maxFiles: 1 } as const;
  openLog(folder, options).info('first');
  openLog(folder, options).warn('second');
  expect(readFileSync(join(folder, 'quorum.log'), 'utf8').trimEnd().split('\n')).toHaveLength(2);
  for (let i = 0; i < 50; i++) openLog(folder, options).info('more');
  expect(readdirSync(folder)).toEqual(['quorum.log']);
  expect(statSync(join(folder, 'quorum.log')).size).toBeLessThanOrEqual(1024);
});
