/**
 * A plug-in that writes each event to a file, as watcher and as exporter; on request it kills its process at an event.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';

const TURNS = 20;

/** `learnt 3`, `evaluated 4`, `evaluated 4 in full`; null for a judged group. */
export function recordOf(event: LoopEvent): string | null {
  if (event.type === 'judged') return null;
  if (event.type === 'learnt') return `learnt ${event.version.n}`;
  return `evaluated ${event.evaluation.version}${event.evaluation.full ? ' in full' : ''}`;
}

export default definePlugin({
  name: 'recorder',
  apiVersion: API_VERSION,
  options: z.strictObject({
    die: z
      .strictObject({ port: z.enum(['watch', 'export']), at: z.string(), signal: z.enum(['SIGKILL', 'SIGTERM']) })
      .optional(),
  }),
  ports: {
    watch: ({ folder, options }) =>
      hear(join(folder, 'watch.txt'), options.die?.port === 'watch' ? options.die : undefined),
    export: ({ folder, options }) => {
      const one = hear(join(folder, 'export.txt'), options.die?.port === 'export' ? options.die : undefined);
      return async ({ records }, signal) => {
        for (const record of records) await one(record, signal);
      };
    },
  },
});

/** Waits some turns of the event loop before it writes, and writes nothing once `signal` aborts. */
function hear(file: string, die: { readonly at: string; readonly signal: NodeJS.Signals } | undefined) {
  return async (event: LoopEvent, signal: AbortSignal): Promise<void> => {
    const record = recordOf(event);
    if (record === null) return;
    if (record === die?.at) process.kill(process.pid, die.signal);
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
    if (!signal.aborted) appendFileSync(file, `${record}\n`);
  };
}
