/** `npm run fuzz` runs the same for longer: FUZZ_CASES and FUZZ_SECONDS for each target, FUZZ_SEED for other cases. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { nodeArguments } from '../support/script.ts';
import { TARGETS } from './targets.ts';

const { FUZZ_CASES = '10000', FUZZ_SECONDS = '60', FUZZ_SEED = '0' } = process.env;
/** A process that does not end is ended, which fails the test. */
const GRACE_SECONDS = 30;
const HEAP_MB = 512;

test.each(Object.keys(TARGETS))(
  '%s: no input makes it crash, hang or fill the memory',
  async (name) => {
    const node = [`--max-old-space-size=${HEAP_MB}`, ...nodeArguments(new URL('run.ts', import.meta.url))];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...node, name, FUZZ_SEED, FUZZ_CASES, FUZZ_SECONDS],
      {
        timeout: 1000 * (Number(FUZZ_SECONDS) + GRACE_SECONDS),
        killSignal: 'SIGKILL',
      },
    );
    const { ran, failure } = JSON.parse(stdout) as { ran: number; failure: string | null };
    process.stderr.write(`fuzz: ${name}: ${ran} cases\n`);
    expect(failure).toBeNull();
    expect(ran).toBeGreaterThan(0);
  },
  1000 * (Number(FUZZ_SECONDS) + 2 * GRACE_SECONDS),
);
