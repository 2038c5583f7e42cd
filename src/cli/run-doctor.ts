/** `quorum doctor --run` reports the faults of a run folder and the repairs made. */
import { existsSync } from 'node:fs';
import pc from 'picocolors';
import { InputError } from '../protocol/errors.ts';
import { REMEDY } from '../store/database.ts';
import { checkRun, type RunCheck } from '../store/check-run.ts';
import type { Finding } from '../store/finding.ts';
import { repairRun, type Repair } from '../store/repair-run.ts';
import { findDaemon, runPaths } from '../store/run-folder.ts';
import { EXIT } from './errors.ts';

/**
 * Sets the exit code to 1 when a fault keeps the run from continuing. @throws InputError when there is no such folder,
 * or a daemon holds it.
 */
export async function examineRun(
  folder: string,
  { repair, json }: { readonly repair?: boolean; readonly json?: boolean },
): Promise<void> {
  const { path } = runPaths(folder);
  if (!existsSync(path)) throw new InputError(`--run ${path}: there is no such folder`);
  const daemon = findDaemon(folder);
  if (daemon) throw new InputError(`runFolder ${path} is in use by process ${daemon.pid}: stop it first (quorum stop)`);
  const found = await checkRun(folder);
  const repairs = repair === true ? repairRun(found, new Date()) : [];
  const check = repairs.length > 0 ? await checkRun(folder) : found;
  console.log(json === true ? JSON.stringify({ ...check, repairs }, null, 2) : describe(check, repairs).join('\n'));
  if (check.findings.some(({ harmless }) => !harmless)) process.exitCode = EXIT.failed;
}

function describe({ folder, findings, database, checkpoints }: RunCheck, repairs: readonly Repair[]): string[] {
  const holds =
    database &&
    `version ${database.versions.at(-1)?.n ?? 'none'}, ${database.sampled} groups, ${database.batches.length} batches`;
  return [
    folder,
    `${pc.dim('database')}     ${holds ?? 'cannot be read'}`,
    `${pc.dim('checkpoints')}  ${checkpoints.length === 0 ? 'none that holds' : checkpoints.join(', ')}`,
    ...repairs.map(({ finding, done }) => `${pc.green('repaired')}     ${finding.path} ${finding.problem}: ${done}`),
    ...findings.map(line),
    ...(findings.length === 0 ? [`${pc.green('✓')} nothing is wrong`] : []),
  ];
}

function line({ part, path, problem, remedy, harmless }: Finding): string {
  if (part === 'entry') return `${pc.red('✗')} ${path} ${problem}`;
  const lost =
    part === 'set-aside'
      ? 'kept to be looked at: the run continues without it'
      : 'nothing repairs it without loss: restore it from a backup';
  const what = { 'begin-again': REMEDY, null: lost }[String(remedy)] ?? '--repair puts it right';
  return `${harmless ? pc.yellow('!') : pc.red('✗')} ${path} ${problem} (${what})`;
}
