/** Opens the store of a run that a start may continue: its database exists, is whole, and fits the versions on disk. */
import { existsSync, statSync } from 'node:fs';
import { chainFaults, type Saved } from './chain.ts';
import { DamagedError } from './database.ts';
import { openStore, type StoreOptions } from './open-store.ts';
import type { RunPaths } from './run-folder.ts';
import type { Store } from './store.ts';

/** Why a required database is missing; undefined when it exists or the run has not begun. */
export function databaseLoss(
  { database, config }: Pick<RunPaths, 'database' | 'config'>,
  { checkpoint, best }: Saved,
): string | undefined {
  const size = statSync(database, { throwIfNoEntry: false })?.size;
  const hasBegun = checkpoint !== undefined || best !== undefined || existsSync(config);
  if (size || !hasBegun) return undefined;
  return size === undefined ? 'is missing' : 'is empty';
}

/**
 * @throws DamagedError when the database is gone, damaged, or does not fit the versions on disk; InputError for every
 * other refusal of `openStore`.
 */
export function openSoundStore(paths: RunPaths, saved: Saved, options: StoreOptions): Store {
  const loss = databaseLoss(paths, saved);
  if (loss !== undefined) throw new DamagedError(`${paths.database} ${loss}`);
  const store = openStore(paths.database, options);
  const [first, ...others] = chainFaults(store.chain(), saved).filter(({ harmless }) => harmless !== true);
  if (first === undefined) return store;
  store.close();
  const more = others.length === 0 ? '' : ` (and ${others.length} more: quorum doctor --run ${paths.path})`;
  throw new DamagedError(`${paths.database} ${first.problem}${more}`);
}
