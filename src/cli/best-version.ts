/**
 * Picks the best saved version of a run: the most accurate one; without labels the newest, unless the guardian is in
 * doubt (docs/without-labels.md).
 */
import { readState, trustIn } from '../guardian/state.ts';
import { bestWithoutLabels } from '../../streams/label-free.ts';
import { InputError } from '../protocol/errors.ts';
import { Checkpoints } from '../store/checkpoints.ts';
import { readMeta } from '../store/read-meta.ts';
import { runPaths } from '../store/run-folder.ts';
import { standing } from '../store/standing.ts';
import { percent } from './view/format.ts';

export interface BestVersion {
  readonly version: number;
  readonly folder: string;
  /** The rule, if it is not accuracy. */
  readonly why?: string;
}

/** @throws InputError with the reason if no version is saved or no version can be called the best. */
export async function bestVersion(runFolder: string): Promise<BestVersion> {
  const paths = runPaths(runFolder);
  const { checkpoint: mostAccurate } = await Checkpoints.at(paths.bestFolder).newest();
  if (mostAccurate) return mostAccurate;
  const checkpoints = Checkpoints.at(paths.checkpointsFolder);
  const saved = await checkpoints.versions();
  const { checkpoint: newest, rejected } = await checkpoints.newest();
  if (!newest) {
    const why = rejected[0]
      ? `version ${rejected[0].version} is damaged: ${rejected[0].reason}`
      : 'no version is saved yet';
    throw new InputError(`${runFolder} has nothing to export: ${why}`);
  }
  const meta = readMeta(paths.database);
  const accuracy = standing({ meta }).best;
  if (accuracy !== null) {
    const best = accuracy.version === 0 ? 'the base' : `version ${accuracy.version}`;
    throw new InputError(
      `--version best: the best accuracy, ${percent(accuracy.greedy)}, is that of ${best}, which is not saved; name one of versions ${saved.join(', ')}`,
    );
  }
  const trust = trustIn(readState({ meta }));
  const { level } = trust;
  const best = bestWithoutLabels(newest.version, trust);
  if (best === null || !saved.includes(best)) {
    throw new InputError(
      `--version best: without labels the best is the version that the guardian trusts, and at level ${level} it trusts none on disk; name one of versions ${saved.join(', ')}`,
    );
  }
  const why =
    level === 'healthy' ? 'the newest one saved' : `the newest that the guardian trusts: its level is ${level}`;
  return { ...(await checkpoints.verify(best)), why: `no accuracy was measured, so the best is ${why}` };
}
