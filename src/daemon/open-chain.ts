/**
 * Opens the database of a run together with its versions on disk, or refuses it. With `--begin-again` a new chain of
 * versions replaces a lost one.
 */
import type { Config } from '../config/schema.ts';
import type { PolicyOrigin } from '../policy/policy.ts';
import { InputError } from '../protocol/errors.ts';
import { beginAgain, ownBase } from '../store/begin-again.ts';
import { Checkpoints, type Checkpoint } from '../store/checkpoints.ts';
import { DamagedError } from '../store/database.ts';
import type { RunFolder } from '../store/run-folder.ts';
import { openSoundStore } from '../store/sound-store.ts';
import type { Store } from '../store/store.ts';

interface OpenChain {
  readonly store: Store;
  readonly checkpoints: Checkpoints;
  readonly best: Checkpoints;
  readonly origin: PolicyOrigin;
  readonly notes: readonly string[];
}

/**
 * @throws DamagedError when the database is gone, damaged, or does not fit the versions on disk, unless `again` is set.
 */
export async function openChain(folder: RunFolder, { store: retention }: Config, again: boolean): Promise<OpenChain> {
  const checkpoints = await Checkpoints.open(folder.checkpointsFolder);
  const best = await Checkpoints.open(folder.bestFolder);
  const open = async (): Promise<OpenChain> => {
    const { checkpoint, rejected } = await checkpoints.newest();
    const base = await ownBase(folder);
    const store = openSoundStore(
      folder,
      { checkpoint: checkpoint?.version, best: best.versionsNow().at(-1) },
      { retention },
    );
    const damage = rejected.map((each) => `checkpoint ${each.folder} was passed over: ${each.reason}`);
    const origin = { ...(checkpoint && { checkpoint }), ...(base && { base: base.folder }) };
    return { store, checkpoints, best, origin, notes: [...baseWords(base), ...damage] };
  };
  if (!again) return open();
  const opened = await open().catch((error: unknown) => {
    if (!(error instanceof DamagedError)) throw error;
  });
  if (opened) {
    opened.store.close();
    throw new InputError(
      `--begin-again: nothing is wrong with the database of runFolder ${folder.path}: start without it`,
    );
  }
  const { version, aside } = await beginAgain(folder, new Date());
  const { notes, ...rest } = await open();
  const from =
    version === undefined
      ? 'no weights were on disk, so the run begins from its base again'
      : `version ${version} is the base of a new chain of versions`;
  return { ...rest, notes: [`${from}; the rest of the old chain is in ${aside}`, ...notes] };
}

function baseWords(base: Checkpoint | undefined): string[] {
  return base ? [`the base of this run is ${base.folder}, where --begin-again put it`] : [];
}
