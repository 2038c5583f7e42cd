/**
 * The kind of entry allowed under each name in a run folder, and the fix for any other: a folder, a dangling link, a
 * pipe, an unreadable entry.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { entryKind } from '../lib/entry-kind.ts';
import { InputError } from '../protocol/errors.ts';

interface Entry {
  /** The kind as `entryKind` names it. */
  readonly may: readonly string[];
  readonly fix: string;
}

const ANEW = 'move it away; a start makes it anew';
const BACKUP = 'move it away, and put back the one of a backup';
const file = (fix: string): Entry => ({ may: ['a file'], fix });
const folder = (fix: string): Entry => ({ may: ['a folder'], fix });

const ENTRIES = {
  'run.json': file(BACKUP),
  'config.json': file(ANEW),
  'quorum.db': file(BACKUP),
  'quorum.db-wal': file(BACKUP),
  'quorum.db-shm': file(ANEW),
  'quorum.db-journal': file(ANEW),
  'daemon.json': file(ANEW),
  'dashboard-tokens.json': file(ANEW),
  lock: file(ANEW),
  'lock-journal': file(ANEW),
  log: folder(ANEW),
  // Lines may go to a device.
  'log/quorum.log': { may: ['a file', 'a device'], fix: ANEW },
  checkpoints: folder(BACKUP),
  best: folder(BACKUP),
  base: folder(BACKUP),
  plugins: folder(BACKUP),
  'daemon.sock': { may: ['a socket', 'a file'], fix: ANEW },
  model: { may: ['a link'], fix: ANEW },
  'model.next': { may: ['a link'], fix: ANEW },
  'run.json.tmp': file(ANEW),
  'config.json.tmp': file(ANEW),
  'daemon.json.tmp': file(ANEW),
  'dashboard-tokens.json.tmp': file(ANEW),
} satisfies Readonly<Record<string, Entry>>;

type EntryName = keyof typeof ENTRIES;

export const ENTRY_NAMES = Object.keys(ENTRIES) as readonly EntryName[];

export interface OddEntry {
  readonly path: string;
  /** Follows the path in a sentence; it ends with the fix. */
  readonly problem: string;
}

/** Entries of the run folder that have the wrong kind or cannot be read. */
export function oddEntries(runFolder: string, names: readonly EntryName[] = ENTRY_NAMES): OddEntry[] {
  return names.flatMap((name) => {
    const path = join(runFolder, name);
    const problem = problemOf(path, ENTRIES[name]);
    return problem === undefined ? [] : [{ path, problem }];
  });
}

/** @throws InputError that names the first of them. */
export function refuseOddEntries(runFolder: string, names?: readonly EntryName[]): void {
  const [odd] = oddEntries(runFolder, names);
  if (odd) throw new InputError(`${odd.path} ${odd.problem}`);
}

/** The folder itself, or its nearest existing parent. @throws InputError when that is not a folder. */
export function nearestFolder(path: string): string {
  const kind = entryKind(path);
  if (kind === 'a folder') return path;
  if (kind !== undefined) throw new InputError(`runFolder ${path} is ${kind}: name a folder`);
  let above = dirname(path);
  while (entryKind(above) === undefined) above = dirname(above);
  if (entryKind(above) === 'a folder') return above;
  throw new InputError(
    `runFolder ${path} cannot be made, because ${above} is ${entryKind(above)}: name another folder`,
  );
}

function problemOf(path: string, { may, fix }: Entry): string | undefined {
  try {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    const kind = isLink && may.includes('a link') ? 'a link' : entryKind(path);
    if (kind === undefined || kind === 'a link') return undefined;
    if (!may.includes(kind))
      return `is ${kind}, but must be ${may[0]}: ${kind.startsWith('a link') ? 'make what it leads to, or remove the link' : fix}`;
    if (kind === 'a file' || kind === 'a folder') accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return undefined; // what it would be in has its own entry
    return code === 'EACCES' || code === 'EPERM'
      ? 'cannot be read: this user has no permission; make it readable'
      : `cannot be read: ${String(error)}`;
  }
}
