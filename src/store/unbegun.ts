/** Takes back what a refused start made: a run begins when its configuration is stored. */
import { chmodSync, existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ENTRY_NAMES } from './run-entries.ts';
import type { RunFolder } from './run-folder.ts';

/** Until the last moment, others see a run folder that is in use. */
const LAST: readonly string[] = ['run.json', 'lock', 'lock-journal'];

/** Call while the folder is locked. What else lies in it stays, and so does a run that this process did not make. */
export function removeUnbegun({
  path,
  config,
  fresh,
  made,
  mode,
}: Pick<RunFolder, 'path' | 'config' | 'fresh' | 'made' | 'mode'>): void {
  if (!fresh || existsSync(config)) return;
  try {
    for (const name of [...ENTRY_NAMES.filter((each) => !LAST.includes(each)), ...LAST])
      rmSync(join(path, name), { recursive: true, force: true });
    chmodSync(path, mode);
    for (const folder of made.toReversed()) rmdirSync(folder);
  } catch {
    // The folder holds something else, or the disk refuses: what is left harms no start.
  }
}
