import { execFileSync } from 'node:child_process';
import pc from 'picocolors';
import { expect, test } from 'vitest';

test('tests, and the processes that they start, write without colours wherever they run', () => {
  const childSees = execFileSync(
    process.execPath,
    ['-p', "['CI', 'FORCE_COLOR', 'NO_COLOR', 'TERM'].map((name) => process.env[name])"],
    {
      encoding: 'utf8',
    },
  );
  expect(childSees).toBe("[ undefined, undefined, undefined, 'xterm' ]\n");
  expect(pc.isColorSupported).toBe(false);
});
