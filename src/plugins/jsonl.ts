/**
 * Writes each event as a line of JSON. The file is bounded: when it is full it becomes `events.1.jsonl`, that one
 * `events.2.jsonl`, and so on.
 */
import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { API_VERSION, definePlugin, makeFolder } from 'quorum';
import { z } from 'zod';
import { eventLine, eventTypes, startsWithEvent } from './shared/brief.ts';
import { claimFile } from './shared/own-file.ts';

const MEGABYTE = 1_000_000;

export default definePlugin({
  name: 'jsonl',
  apiVersion: API_VERSION,
  options: z.strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File to write, relative to the configuration's folder; default: `events.jsonl` in the plug-in's own folder. A file of something else is refused.",
      ),
    events: eventTypes,
    tokens: z.boolean().default(false).describe('Also tokens and their log-probabilities, most of the bytes.'),
    maxMegabytes: z.number().positive().default(100).describe('Size at which the next file starts.'),
    maxFiles: z.int().min(1).max(1000).default(5).describe('Files kept, the current one included.'),
  }),
  ports: {
    watch: ({ options, folder, base }) => {
      const path = options.file === undefined ? join(folder, 'events.jsonl') : resolve(base, options.file);
      for (let n = 0; n < options.maxFiles; n++) claimFile(numbered(path, n), startsWithEvent);
      makeFolder(dirname(path));
      return (event) => {
        if (!options.events.includes(event.type)) return;
        const line = `${eventLine(event, { tokens: options.tokens, at: Date.now() })}\n`;
        const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
        if (size > 0 && size + Buffer.byteLength(line) > options.maxMegabytes * MEGABYTE)
          rotate(path, options.maxFiles);
        appendFileSync(path, line);
      };
    },
  },
});

/** The oldest file is written over. */
function rotate(path: string, files: number): void {
  for (let n = files - 1; n > 0; n--)
    if (existsSync(numbered(path, n - 1))) renameSync(numbered(path, n - 1), numbered(path, n));
}

function numbered(path: string, n: number): string {
  const { dir, name, ext } = parse(path);
  return n === 0 ? path : join(dir, `${name}.${n}${ext}`);
}
