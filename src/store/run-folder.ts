/**
 * The folder of one run: its permissions, its layout, and the daemon that holds it.
 *
 *     run.json      format of this folder            config.json   the configuration as run
 *     quorum.db     the store                        daemon.json   pid, socket and start of the daemon that has the folder
 *     log/          quorum.log and older ones        lock          held while a daemon runs (lock.ts)
 *     checkpoints/  v000025/ ... (checkpoints.ts)    best/         the most accurate version
 *     base/         the base model, where --begin-again made one (begin-again.ts)
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import { diskError, writeFileWhole } from './files.ts';
import { isLocked, tryLock } from './lock.ts';
import { nearestFolder, refuseOddEntries } from './run-entries.ts';

export const RUN_FORMAT = 1;

const PRIVATE = 0o700;
const LOCK_FILES: readonly string[] = ['lock', 'lock-journal'];
/** `sun_path` holds 104 bytes on macOS, 108 on Linux, the final zero included. */
const LONGEST_SOCKET = 100;

const runSchema = z.object({ format: z.int(), created: z.string() });
const daemonSchema = z.object({ pid: z.int(), socket: z.string(), started: z.string() });

const configSchema = z.looseObject({
  model: z.string(),
  promptTemplate: z.string().optional(),
  prompt: z.looseObject({ system: z.string().nullish() }).optional(),
  seed: z.number(),
  data: z.record(z.string(), z.unknown()),
});

/** The stored configuration. */
export type KeptConfig = z.output<typeof configSchema>;

/** The contents of `daemon.json` about a running daemon. `started` is ISO 8601. */
export type DaemonInfo = z.output<typeof daemonSchema>;

export interface RunPaths {
  readonly path: string;
  readonly database: string;
  readonly logFolder: string;
  readonly checkpointsFolder: string;
  readonly bestFolder: string;
  readonly baseFolder: string;
  readonly config: string;
  /** Where the daemon listens for `status`, `pause`, `resume`, `stop`. */
  readonly socket: string;
}

/**
 * The configuration, and the part of it that identifies the run. Two paths count as equal when their last parts are, so
 * a folder may move.
 */
export interface RunConfig {
  readonly seed: number;
  readonly data: object;
}

export interface RunFolder extends RunPaths, Disposable {
  /** Whether the run is new: the folder was missing or empty. */
  readonly fresh: boolean;
  /** The folders that this call made, the outermost first. */
  readonly made: readonly string[];
  /** The permissions that the folder had before this call. */
  readonly mode: number;
  /**
   * Keeps the configuration as run; a new run begins with it. Settings may change between launches, the identity of the
   * run may not: the cursor and the stored groups belong to one data set (and the versions to one base: settle-base.ts).
   * @throws InputError that names the key and both values.
   */
  saveConfig(config: RunConfig): void;
  /** The newest stored configuration. */
  readonly kept: KeptConfig | undefined;
  /** @throws InputError when the run started with another seed or data set. */
  expectSameRun(config: RunConfig): void;
  /** Releases the folder; the kernel does it if the process dies. */
  release(): void;
}

export function runPaths(folder: string): RunPaths {
  const path = resolve(folder);
  return {
    path,
    database: join(path, 'quorum.db'),
    logFolder: join(path, 'log'),
    checkpointsFolder: join(path, 'checkpoints'),
    bestFolder: join(path, 'best'),
    baseFolder: join(path, 'base'),
    config: join(path, 'config.json'),
    socket: socketOf(path),
  };
}

/**
 * Makes the folder if it is missing and locks it for this process. @throws InputError when another daemon holds it, or
 * it is not a run folder or has another format.
 */
export function openRunFolder(folder: string): RunFolder {
  const paths = runPaths(folder);
  const made = makeRunFolder(paths.path);
  refuseForeign(paths.path);
  refuseOddEntries(paths.path);
  const release = tryLock(join(paths.path, 'lock'));
  if (!release) throw new InputError(taken(paths.path));
  try {
    const { mode } = statSync(paths.path);
    const fresh = checkFormat(paths.path);
    for (const part of [paths.logFolder, paths.checkpointsFolder]) makeFolder(part, PRIVATE);
    const daemon: DaemonInfo = { pid: process.pid, socket: paths.socket, started: new Date().toISOString() };
    writeFileWhole(daemonFile(paths.path), `${JSON.stringify(daemon)}\n`);
    return Object.assign(actions(paths, release), paths, { fresh, made, mode });
  } catch (error) {
    release();
    throw diskError(paths.path, error);
  }
}

/** The link to the newest checkpoint. */
export function modelLink(paths: Pick<RunPaths, 'path'>): string {
  return join(paths.path, 'model');
}

/** Atomic: a reader sees the old target or the new one. */
export function pointModelTo(paths: Pick<RunPaths, 'path'>, folder: string): void {
  const next = `${modelLink(paths)}.next`;
  rmSync(next, { force: true });
  symlinkSync(relative(paths.path, folder), next, 'dir');
  renameSync(next, modelLink(paths));
}

/** The daemon that holds the folder now, or undefined; the file of a killed daemon does not count. */
export function findDaemon(folder: string): DaemonInfo | undefined {
  const { path, socket } = runPaths(folder);
  refuseOddEntries(path, ['lock', 'lock-journal', 'daemon.json']);
  const daemon = isLocked(join(path, 'lock')) ? readDaemon(path) : undefined;
  return daemon && existsSync(socket) ? { ...daemon, socket } : daemon; // the folder may have been moved since
}

function actions(paths: RunPaths, unlock: () => void): Omit<RunFolder, keyof RunPaths | 'fresh' | 'made' | 'mode'> {
  let held = true;
  function release(): void {
    if (!held) return;
    held = false;
    // If the folder moved, another daemon may own the name.
    if (readDaemon(paths.path)?.pid === process.pid) rmSync(daemonFile(paths.path), { force: true });
    unlock();
  }
  return {
    get kept() {
      return readJson(paths.config, configSchema);
    },
    expectSameRun: (config) => refuseOtherRun(paths, config),
    saveConfig(config) {
      refuseOtherRun(paths, config);
      writeFileWhole(paths.config, `${JSON.stringify(config, null, 2)}\n`);
    },
    release,
    [Symbol.dispose]: release,
  };
}

function refuseOtherRun({ path, config: file }: RunPaths, config: RunConfig): void {
  const before = readJson(file, configSchema);
  if (!before) return;
  const [was, is] = [identity(before), identity(config)];
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (was[key] === is[key]) continue;
    throw new InputError(
      `runFolder ${path} was begun with ${key} ${was[key]}, which is now ${is[key]}: set it back, or choose another run folder`,
    );
  }
}

/** Key -> value as text. */
function identity({ seed, data }: RunConfig): Record<string, string | undefined> {
  const entries = Object.entries({
    seed,
    ...Object.fromEntries(Object.entries(data).map(([key, value]) => [`data.${key}`, value])),
  });
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? basename(value) : JSON.stringify(value)]),
  );
}

function makeRunFolder(path: string): readonly string[] {
  try {
    if (nearestFolder(path) !== path) return makeFolder(path, PRIVATE);
    accessSync(path, constants.W_OK); // SQLite has one error code for all that keeps it from opening the lock
    return [];
  } catch (error) {
    const known = diskError(path, error);
    if (known instanceof InputError) throw known;
    // Node reports ENOENT for a folder that a read-only file system refuses to make.
    throw new InputError(
      `runFolder ${path} cannot be made (${(error as Error).message}): make ${dirname(path)} writable, or choose another folder`,
      {
        cause: error,
      },
    );
  }
}

/** @throws InputError for a folder that holds something else. */
export function refuseForeign(path: string): void {
  const entries = readdirSync(path).filter((name) => !LOCK_FILES.includes(name) && name !== 'run.json.tmp');
  if (entries.length > 0 && !entries.includes('run.json')) {
    throw new InputError(
      `runFolder ${path} is not a run folder (it holds ${entries[0]}, but no run.json): choose an empty or a new folder`,
    );
  }
}

/** @returns true when the folder was new. */
function checkFormat(path: string): boolean {
  const file = join(path, 'run.json');
  if (!existsSync(file)) {
    chmodSync(path, PRIVATE);
    writeFileWhole(file, `${JSON.stringify({ format: RUN_FORMAT, created: new Date().toISOString() })}\n`);
    return true;
  }
  const run = readJson(file, runSchema);
  if (!run) throw new InputError(`${file} is damaged: restore it, or choose another run folder`);
  if (run.format !== RUN_FORMAT) {
    const fix =
      run.format > RUN_FORMAT ? 'start the newer Quorum that wrote it' : 'start the older Quorum that wrote it';
    throw new InputError(
      `runFolder ${path} has format ${run.format}, but this Quorum reads format ${RUN_FORMAT}: ${fix}, or choose another run folder`,
    );
  }
  return false;
}

/** The message about a folder that another daemon holds. */
export function taken(path: string): string {
  const daemon = readDaemon(path);
  const who = daemon ? `process ${daemon.pid}, started ${daemon.started}` : 'a process that is starting or stopping';
  return `runFolder ${path} is in use by another Quorum daemon (${who}): stop it (quorum stop), or choose another run folder`;
}

function daemonFile(path: string): string {
  return join(path, 'daemon.json');
}

function readDaemon(path: string): DaemonInfo | undefined {
  return readJson(daemonFile(path), daemonSchema);
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * In the folder, unless its path is too long for a socket; then in the temporary folder, under a name derived from the
 * run folder.
 */
function socketOf(path: string): string {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\quorum-${hash}`;
  const inside = join(path, 'daemon.sock');
  return Buffer.byteLength(inside) <= LONGEST_SOCKET ? inside : join(tmpdir(), `quorum-${hash}.sock`);
}
