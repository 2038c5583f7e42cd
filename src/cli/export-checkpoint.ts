/**
 * Checks a saved version of a run and writes it as a plain Hugging Face folder, without a checkpoint's optimizer
 * moments.
 */
import { existsSync } from 'node:fs';
import { baseTypes } from '../compute/training/checkpoint.ts';
import type { StoredType } from '../compute/hf/half.ts';
import { adapterConfig, copyAdapter } from '../compute/models/adapter-folder.ts';
import { loadModelFolder } from '../compute/models/folder.ts';
import { moveModelInto, saveModelFolder } from '../compute/models/save.ts';
import { InputError } from '../protocol/errors.ts';
import { Checkpoints } from '../store/checkpoints.ts';
import { refuseOddEntries } from '../store/run-entries.ts';
import { runPaths } from '../store/run-folder.ts';
import { bestVersion, type BestVersion } from './best-version.ts';

export interface ExportRequest {
  readonly runFolder: string;
  /** `best`: see bestVersion. Default: the newest one whose checksums hold. */
  readonly version?: number | 'best';
  /** A new or empty folder, or one whose weights and files of the same names are replaced. */
  readonly out: string;
  /** Default: each tensor as the base of the run stores it. */
  readonly dtype?: StoredType;
  /** For a run that trains an adapter: writes the whole model with the update merged in, instead of the adapter. */
  readonly merged?: boolean;
}

/**
 * @returns the version written and, if it is the best by another rule than accuracy, the rule. @throws InputError when
 * there is no such version, or it is damaged.
 */
export async function exportCheckpoint({
  runFolder,
  version,
  out,
  dtype,
  merged = false,
}: ExportRequest): Promise<Pick<BestVersion, 'version' | 'why'>> {
  const { path, checkpointsFolder: folder } = runPaths(runFolder);
  refuseOddEntries(path, ['checkpoints', 'best', 'quorum.db', 'quorum.db-wal']);
  if (!existsSync(folder))
    throw new InputError(`${runFolder} is not a run folder: it has no checkpoints/; name one with --run`);
  const found: BestVersion =
    version === 'best' ? await bestVersion(runFolder) : await pick(Checkpoints.at(folder), version, runFolder);
  const fresh = `${out}.${process.pid}.new`;
  const isAdapter = (await adapterConfig(found.folder)) !== undefined;
  if (isAdapter && !merged) await copyAdapter(found.folder, fresh, dtype);
  else await saveModelFolder(fresh, await loadModelFolder(found.folder), dtype ?? (await baseTypes(found.folder)));
  await moveModelInto(out, fresh);
  return found;
}

async function pick(
  checkpoints: Checkpoints,
  version: number | undefined,
  runFolder: string,
): Promise<{ version: number; folder: string }> {
  const saved = await checkpoints.versions();
  if (version !== undefined) {
    if (saved.includes(version)) return checkpoints.verify(version);
    throw new InputError(
      `--version ${version}: ${runFolder} has saved ${saved.length > 0 ? `versions ${saved.join(', ')}` : 'no version yet'}`,
    );
  }
  const { checkpoint, rejected } = await checkpoints.newest();
  if (checkpoint) return checkpoint;
  const why = rejected[0]
    ? `version ${rejected[0].version} is damaged: ${rejected[0].reason}`
    : 'no version is saved yet';
  throw new InputError(`${runFolder} has nothing to export: ${why}`);
}
