/**
 * Looks through the folder of a run that no daemon has: database, chain of versions, batches, checkpoints, leftovers. It changes nothing
 * (but what SQLite itself does to open a file: folding in its log); what it finds is put right by `repairRun`.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Checkpoints, UNFINISHED } from './checkpoints.ts';
import { checkDatabase, type DatabaseState } from './check-database.ts';
import type { Finding } from './finding.ts';
import { RUN_FORMAT, runPaths } from './run-folder.ts';

export interface RunCheck {
  readonly folder: string;
  readonly findings: readonly Finding[];
  /** Undefined where the database cannot be read. */
  readonly database: DatabaseState | undefined;
  /** Versions whose checkpoints hold, ascending. */
  readonly checkpoints: readonly number[];
}

const PRIVATE = 0o700;
const OTHERS = 0o077;
const formatSchema = z.object({ format: z.literal(RUN_FORMAT) });

/** The caller has made sure that no daemon has the folder: work in hand would look like a leftover. */
export async function checkRun(folder: string): Promise<RunCheck> {
  const { path, database: file, checkpointsFolder } = runPaths(folder);
  const findings = checkFolder(path);
  const database = checkDatabase(file, findings);
  const checkpoints = await checkCheckpoints(checkpointsFolder, findings);
  if (database !== undefined) checkReplay(database, checkpoints, file, findings);
  return { folder: path, findings, database, checkpoints };
}

function checkFolder(path: string): Finding[] {
  const findings: Finding[] = [];
  const file = join(path, 'run.json');
  if (!formatSchema.safeParse(readJson(file)).success) {
    findings.push({ part: 'folder', path: file, problem: `is missing, damaged or not of format ${RUN_FORMAT}`, remedy: null, harmless: false });
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

async function checkCheckpoints(folder: string, findings: Finding[]): Promise<number[]> {
  const names = namesIn(folder);
  for (const name of names) if (name.startsWith(UNFINISHED)) findings.push(leftover(join(folder, name)));
  if (names.length === 0) return [];
  const good: number[] = [];
  const checkpoints = Checkpoints.at(folder);
  for (const version of await checkpoints.versions()) {
    const problem = await checkpoints.fault(version);
    if (problem === undefined) good.push(version);
    else findings.push({ part: 'checkpoint', path: checkpoints.folderOf(version), problem, remedy: 'set-aside', harmless: false });
  }
  return good;
}

/** From the newest checkpoint that holds (or the base), the stored batches have to lead to the newest version. */
function checkReplay({ versions, batches }: DatabaseState, checkpoints: readonly number[], path: string, findings: Finding[]): void {
  const last = versions.at(-1)?.n ?? 0;
  const from = checkpoints.findLast((version) => version <= last) ?? 0;
  for (const { n, batchId } of versions) {
    if (n <= from || batchId === null) continue;
    const batch = batches.find(({ id }) => id === batchId);
    if (batch !== undefined && batch.groups > 0) continue;
    const problem = batch
      ? `version ${n} will be learnt again as version ${n - 1}, with no step: batch ${batchId} has no groups left`
      : `version ${n} cannot be learnt again from checkpoint ${from}: batch ${batchId} is not stored`;
    findings.push({ part: 'batches', path, problem, remedy: null, harmless: batch !== undefined });
  }
}

function leftover(path: string): Finding {
  return { part: 'leftover', path, problem: 'was left by a write that did not end', remedy: 'set-aside', harmless: true };
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
