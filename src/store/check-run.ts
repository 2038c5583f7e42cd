/**
 * Checks the folder of a run that no daemon holds: database, chain of versions, batches, checkpoints, leftovers. It
 * changes nothing (except that SQLite folds in its log when it opens a file); `repairRun` repairs the findings.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { chainFaults, type Saved } from './chain.ts';
import { Checkpoints, UNFINISHED } from './checkpoints.ts';
import { checkDatabase, type DatabaseState } from './check-database.ts';
import type { Finding } from './finding.ts';
import { oddEntries } from './run-entries.ts';
import { RUN_FORMAT, runPaths, type RunPaths } from './run-folder.ts';
import { databaseLoss } from './sound-store.ts';

export interface RunCheck {
  readonly folder: string;
  readonly findings: readonly Finding[];
  /** Undefined when the database cannot be read. */
  readonly database: DatabaseState | undefined;
  /** Versions whose checkpoints hold, ascending. */
  readonly checkpoints: readonly number[];
}

const PRIVATE = 0o700;
const OTHERS = 0o077;
const formatSchema = z.object({ format: z.literal(RUN_FORMAT) });

/** The caller makes sure that no daemon holds the folder: work in hand would look like a leftover. */
export async function checkRun(folder: string): Promise<RunCheck> {
  const paths = runPaths(folder);
  const odd = oddEntries(paths.path).map(
    (entry) => ({ ...entry, part: 'entry', remedy: null, harmless: false }) as const,
  );
  if (odd.length > 0) return { folder: paths.path, findings: odd, database: undefined, checkpoints: [] };
  const findings = checkFolder(paths.path);
  const checkpoints = await checkCheckpoints(paths.checkpointsFolder, findings, 'set-aside');
  await checkCheckpoints(paths.baseFolder, findings, null);
  const best = Checkpoints.at(paths.bestFolder).versionsNow().at(-1);
  const database = checkChain(paths, { checkpoint: checkpoints.at(-1), best }, findings);
  return { folder: paths.path, findings, database, checkpoints };
}

/** The same checks as at a start (`openSoundStore`), but without stopping at the first fault. */
function checkChain(paths: RunPaths, saved: Saved, findings: Finding[]): DatabaseState | undefined {
  const path = paths.database;
  const bad = (part: Finding['part'], problem: string, harmless = false) =>
    findings.push({ part, path, problem, remedy: harmless ? null : 'begin-again', harmless });
  const loss = databaseLoss(paths, saved);
  if (loss !== undefined) bad('database', loss);
  if (loss !== undefined || !existsSync(path)) return undefined;
  const database = checkDatabase(path, findings);
  for (const { part, problem, harmless } of database === undefined ? [] : chainFaults(database, saved))
    bad(part, problem, harmless);
  return database;
}

function checkFolder(path: string): Finding[] {
  const findings: Finding[] = [];
  const file = join(path, 'run.json');
  if (!formatSchema.safeParse(readJson(file)).success) {
    findings.push({
      part: 'folder',
      path: file,
      problem: `is missing, damaged or not of format ${RUN_FORMAT}`,
      remedy: null,
      harmless: false,
    });
  }
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    const problem = `has mode ${mode.toString(8)}: other users may look into it (${PRIVATE.toString(8)} is meant)`;
    findings.push({ part: 'folder', path, problem, remedy: 'close-to-others', harmless: true });
  }
  for (const name of readdirSync(path)) {
    if (name.endsWith('.tmp')) findings.push(leftover(join(path, name)));
  }
  return findings;
}

async function checkCheckpoints(folder: string, findings: Finding[], remedy: Finding['remedy']): Promise<number[]> {
  const names = namesIn(folder);
  for (const name of names) if (name.startsWith(UNFINISHED)) findings.push(leftover(join(folder, name)));
  if (names.length === 0) return [];
  const good: number[] = [];
  const checkpoints = Checkpoints.at(folder);
  for (const version of await checkpoints.versions()) {
    const problem = await checkpoints.fault(version);
    if (problem === undefined) good.push(version);
    else findings.push({ part: 'checkpoint', path: checkpoints.folderOf(version), problem, remedy, harmless: false });
  }
  return good;
}

function leftover(path: string): Finding {
  return {
    part: 'leftover',
    path,
    problem: 'was left by a write that did not end',
    remedy: 'set-aside',
    harmless: true,
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
