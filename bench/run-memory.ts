/**
 * Memory of a whole run at its peak, in a process of its own: one learner step of the model on the CPU, with the loop's
 * own learner and sampler. Prints one line of JSON. Linux only: /proc says what memory is this process's own.
 *
 *     npx tsx bench/run-memory.ts '{"model": "DIR", "sampling": {"samples": 4, "maxNewTokens": 64}}'
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completeConfig } from '../src/config/load.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { startDaemon } from '../src/daemon/daemon.ts';

/** Bytes at the peak. */
export interface RunMemory {
  /** Memory of this process alone. */
  readonly own: number;
  /** Files that it has mapped, such as frozen weights. */
  readonly mapped: number;
}

const LOOK_MILLISECONDS = 50;
const peak = { own: 0, mapped: 0 };

function look(): void {
  const text = readFileSync('/proc/self/status', 'utf8');
  const of = (key: string): number => 1_024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  peak.own = Math.max(peak.own, of('RssAnon'));
  peak.mapped = Math.max(peak.mapped, of('RssFile') + of('RssShmem'));
}

const folder = mkdtempSync(join(tmpdir(), 'quorum-bench-'));
const looks = setInterval(look, LOOK_MILLISECONDS);
try {
  const input = JSON.parse(process.argv[2]!) as ConfigInput;
  const { config } = completeConfig({
    ...input,
    runFolder: join(folder, 'run'),
    loop: { steps: 1, ...input.loop },
    dashboard: { port: null },
  });
  const daemon = await startDaemon(config);
  const { end, error } = await daemon.closed();
  if (end === 'failed') throw new Error(error ?? end);
  console.log(JSON.stringify(peak satisfies RunMemory));
} finally {
  clearInterval(looks);
  rmSync(folder, { recursive: true, force: true });
}
