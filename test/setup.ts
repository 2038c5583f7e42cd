/**
 * Before each test file: properties draw the same cases in every run (PROPERTY_SEED tries others), and
 * variables that colour words or change the terminal view are removed from the environment, for this process and for
 * those that tests start.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';

for (const name of ['CI', 'FORCE_COLOR', 'NO_COLOR']) delete process.env[name];
process.env['TERM'] = 'xterm';
process.env['XDG_CACHE_HOME'] = join(tmpdir(), 'quorum-test-cache');
// See support/ends-with-test.ts.
process.env['QUORUM_TEST_PID'] = String(process.pid);

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20) });
