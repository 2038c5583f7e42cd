import { expect, test } from 'vitest';
import { TEMPLATES } from '../../src/cli/scaffold/ports.ts';
import type { PortName } from '../../src/protocol/ports.ts';
import { leak } from '../support/plugin-daemon.ts';

test.for(Object.keys(TEMPLATES) as PortName[])(
  'a port that leaks costs the thread, and the loop continues: %s',
  async (port) => {
    expect(await leak(port)).toMatchObject({ port, error: expect.stringContaining('memory') as string });
  },
);
