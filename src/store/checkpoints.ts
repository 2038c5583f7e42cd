/**
 * Versions on disk: `v000025/` is an ordinary Hugging Face folder (plus optimizer moments) with a list of file
 * checksums. A folder gets its name only when it is whole, and counts only when its checksums hold.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../lib/make-folder.ts';
import { flushFolder } from '../lib/whole-file.ts';
import { InputError } from '../protocol/errors.ts';
import { diskError, flushFile, writeFileWhole } from './files.ts';

const CHECKSUMS = 'checksums.json';
/** Prefixes of folders that are being written or deleted. */
export const UNFINISHED = '.unfinished-';
const NAME = /^v(\d{6,})$/;

const checksumsSchema = z.object({
  version: z.int(),
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })),
});

export interface Checkpoint {
  readonly version: number;
  readonly folder: string;
}

export interface Rejected extends Checkpoint {
  readonly reason: string;
}

export interface Kept {
  /** Ascending. */
  readonly versions: readonly number[];
  /** For `store.setReplayFloor`: the oldest version that a restart may fall back to. */
  readonly replayFloor: number;
}

export class Checkpoints {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Also clears the leftovers of an interrupted write or deletion. The caller holds the run folder's lock. */
  static async open(folder: string): Promise<Checkpoints> {
    makeFolder(folder, 0o700);
    const leftovers = (await readdir(folder)).filter((name) => name.startsWith(UNFINISHED));
    await Promise.all(leftovers.map((name) => rm(join(folder, name), { recursive: true })));
    return new Checkpoints(folder);
  }

  /** Read-only, safe while a daemon holds the run folder: takes no lock and clears nothing. */
  static at(folder: string): Checkpoints {
    return new Checkpoints(folder);
  }

  folderOf(version: number): string {
    return join(this.folder, `v${String(version).padStart(6, '0')}`);
  }

  /**
   * `write` makes and fills the folder of the given path. An existing checkpoint that holds stays as it is.
   * @throws InputError when the disk is full; other checkpoints are untouched.
   */
  async save(version: number, write: (folder: string) => Promise<void>): Promise<Checkpoint> {
    const folder = this.folderOf(version);
    if ((await fault(folder, version)) === undefined) return { version, folder };
    let workplace: string | undefined;
    try {
      // removed by someone else: do not make its parent again
      if (!existsSync(this.folder)) await mkdir(this.folder, { mode: 0o700 });
      workplace = await mkdtemp(join(this.folder, UNFINISHED));
      const draft = join(workplace, 'draft');
      await write(draft);
      await seal(draft, version);
      if (existsSync(folder)) await rename(folder, join(workplace, 'damaged'));
      await rename(draft, folder);
      flushFolder(this.folder);
    } catch (error) {
      throw diskError(folder, error);
    } finally {
      if (workplace) await rm(workplace, { recursive: true, force: true });
    }
    return { version, folder };
  }

  /** Versions that have a folder, whether or not it holds; ascending. */
  async versions(): Promise<readonly number[]> {
    return this.versionsNow();
  }

  /** The same, synchronously. */
  versionsNow(): readonly number[] {
    return existsSync(this.folder) ? versionsAmong(readdirSync(this.folder)) : [];
  }

  /** The newest checkpoint whose checksums hold, and the newer checkpoints passed over, with the reason. */
  async newest(): Promise<{ readonly checkpoint?: Checkpoint; readonly rejected: readonly Rejected[] }> {
    const rejected: Rejected[] = [];
    for (const version of (await this.versions()).toReversed()) {
      const folder = this.folderOf(version);
      const reason = await fault(folder, version);
      if (reason === undefined) return { checkpoint: { version, folder }, rejected };
      rejected.push({ version, folder, reason });
    }
    return { rejected };
  }

  /** Why the checkpoint of `version` does not hold; undefined when it holds. */
  fault(version: number): Promise<string | undefined> {
    return fault(this.folderOf(version), version);
  }

  /** @throws InputError that names the damaged file. */
  async verify(version: number): Promise<Checkpoint> {
    const folder = this.folderOf(version);
    const reason = await fault(folder, version);
    if (reason !== undefined) throw new InputError(`checkpoint ${folder} cannot be used: ${reason}`);
    return { version, folder };
  }

  /**
   * Deletes all but the newest `keepLast` and the `pinned` ones. The floor is the oldest of the newest `keepLast`, so a
   * restart can fall back past damaged ones and replay; with fewer, it is 0, the base model.
   */
  async prune(keepLast: number, pinned: readonly number[] = []): Promise<Kept> {
    const versions = await this.versions();
    const newest = versions.slice(-keepLast);
    for (const version of versions) {
      if (newest.includes(version) || pinned.includes(version)) continue;
      const doomed = join(await mkdtemp(join(this.folder, UNFINISHED)), 'doomed');
      await rename(this.folderOf(version), doomed);
      await rm(join(doomed, '..'), { recursive: true });
    }
    const kept = versions.filter((version) => newest.includes(version) || pinned.includes(version));
    return { versions: kept, replayFloor: newest.length < keepLast ? 0 : newest[0]! };
  }
}

function versionsAmong(names: readonly string[]): readonly number[] {
  const numbers = names.map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN));
  return numbers.filter((version) => !Number.isNaN(version)).sort((a, b) => a - b);
}

/** Writes the checksums last and flushes everything, so that the rename publishes a whole folder. */
async function seal(folder: string, version: number): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of await filesOf(folder)) {
    const path = join(folder, name);
    files[name] = { bytes: (await stat(path)).size, sha256: await sha256(path) };
    await flushFile(path);
  }
  writeFileWhole(join(folder, CHECKSUMS), `${JSON.stringify({ version, files }, null, 2)}\n`);
}

/** Why a folder is not a sound checkpoint of `version`; undefined when it is. */
async function fault(folder: string, version: number): Promise<string | undefined> {
  const text = await readFile(join(folder, CHECKSUMS), 'utf8').catch(() => undefined);
  if (text === undefined) return `${CHECKSUMS} is missing`;
  const sums = parseChecksums(text);
  if (!sums) return `${CHECKSUMS} is damaged`;
  if (sums.version !== version) return `${CHECKSUMS} is of version ${sums.version}`;
  for (const [name, { bytes, sha256: expected }] of Object.entries(sums.files)) {
    const path = join(folder, name);
    const size = await stat(path).then(
      (stats) => stats.size,
      () => undefined,
    );
    if (size === undefined) return `${name} is missing`;
    if (size !== bytes) return `${name} has ${size} bytes, not ${bytes}`;
    if ((await sha256(path)) !== expected) return `${name} does not match its checksum`;
  }
  return undefined;
}

function parseChecksums(text: string): z.output<typeof checksumsSchema> | undefined {
  try {
    return checksumsSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== CHECKSUMS)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
