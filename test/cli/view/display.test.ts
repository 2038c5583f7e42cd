import { afterEach, expect, test, vi } from 'vitest';
import { chooseDisplay, createDisplay } from '../../../src/cli/view/display.ts';
import { RUNNING } from './status.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

const TERMINAL = { isTTY: true, columns: 80, rows: 24 };

test.each([
  ['in place on a terminal', TERMINAL, {}, 'live'],
  ['as lines on a terminal without a size', { ...TERMINAL, columns: 0, rows: 0 }, {}, 'plain'],
  ['as lines on a terminal that cannot move the cursor', TERMINAL, { TERM: 'dumb' }, 'plain'],
  ['as lines in CI', TERMINAL, { CI: '1' }, 'plain'],
  ['as lines in a file or a pipe', {}, {}, 'plain'],
] as const)('statuses are shown %s', (_, out, env: { TERM?: string; CI?: string }, kind) => {
  vi.stubEnv('TERM', env.TERM ?? 'xterm');
  vi.stubEnv('CI', env.CI);
  expect(chooseDisplay(false, out as NodeJS.WriteStream)).toBe(kind);
  expect(chooseDisplay(true, out as NodeJS.WriteStream)).toBe('json');
});

test('a terminal of another size is cleared before the frame is drawn, because the old frame may have any number of rows now', () => {
  vi.useFakeTimers();
  let written = '';
  const out = { ...TERMINAL, write: (text: string) => (written += text) };
  const display = createDisplay('live', out as unknown as NodeJS.WriteStream);
  display.show(RUNNING);
  const drawn = (): string => {
    written = '';
    vi.advanceTimersByTime(250);
    return written;
  };
  const clear = '\u001B[2J\u001B[H';
  expect([drawn().includes(clear), drawn().includes(clear)]).toEqual([false, false]);
  for (const size of [{ rows: 12 }, { rows: 24 }, { columns: 50 }, { columns: 80 }]) {
    Object.assign(out, size);
    const [before, after] = drawn().split(clear);
    expect([before, after]).toEqual([expect.not.stringContaining('saved'), expect.stringContaining('saved')]);
    expect(drawn()).not.toContain(clear);
  }
  display.end();
});
