import { afterEach, expect, test, vi } from 'vitest';
import { chooseDisplay } from '../../../src/cli/view/display.ts';

afterEach(() => vi.unstubAllEnvs());

const TERMINAL = { isTTY: true, columns: 80, rows: 24 };

test.each([
  ['in place on a terminal', TERMINAL, {}, 'live'],
  ['as lines on one that tells no size', { ...TERMINAL, columns: 0, rows: 0 }, {}, 'plain'],
  ['as lines on one that cannot go back', TERMINAL, { TERM: 'dumb' }, 'plain'],
  ['as lines where nobody looks', TERMINAL, { CI: '1' }, 'plain'],
  ['as lines in a file or a pipe', {}, {}, 'plain'],
] as const)('statuses are shown %s', (_, out, env: { TERM?: string; CI?: string }, kind) => {
  vi.stubEnv('TERM', env.TERM ?? 'xterm');
  vi.stubEnv('CI', env.CI);
  expect(chooseDisplay(false, out as NodeJS.WriteStream)).toBe(kind);
  expect(chooseDisplay(true, out as NodeJS.WriteStream)).toBe('json');
});
