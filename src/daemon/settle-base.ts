/**
 * Whether the base is the one that the run was begun with, and what of the way in which it is asked changed since the
 * last start. A base is known by the digests of its configuration, tokenizer and weights, not by the name of its
 * folder.
 */
import { basename } from 'node:path';
import type { Config } from '../config/schema.ts';
import { identifyBase, type BaseIdentity } from '../compute/hf/base-identity.ts';
import { InputError } from '../protocol/errors.ts';
import type { KeptConfig } from '../store/run-folder.ts';
import type { Store } from '../store/store.ts';

/** Where the store keeps the base of the run, and how it is asked. */
const BASE = 'run.base';

export interface SettledBase {
  /**
   * Stores what was found, and drops the work in hand where the prompt changed; to be called when the model is known to
   * load, before the configuration is kept. @returns what changed, in words.
   */
  keep(): readonly string[];
}

interface Past {
  readonly runFolder: string;
  /** The configuration of the last start. */
  readonly before: KeptConfig | undefined;
  /** Version of the checkpoint that the run continues from. */
  readonly version: number;
}

/**
 * @throws InputError for another base, and for another prompt while steps have to be learnt again that were made with
 * the old one.
 */
export async function settleBase(
  store: Store,
  { model, promptTemplate }: Pick<Config, 'model' | 'promptTemplate'>,
  past: Past,
): Promise<SettledBase> {
  const { runFolder, before, version } = past;
  const known = store.meta(BASE) as BaseIdentity | undefined;
  const found = await identifyBase(model, known);
  if (known && found) refuseOtherBase(runFolder, model, known, found);
  else if (before) refuseOtherName(runFolder, before.model, model);
  const prompt = [
    before?.promptTemplate !== undefined && before.promptTemplate !== promptTemplate && 'promptTemplate',
    known && found && known.prompt !== found.prompt && `the chat template, image processor or end tokens of ${model}`,
  ].filter((each) => typeof each === 'string');
  if (prompt.length > 0) refuseReplay(store, version, prompt.join(' and '));
  return {
    keep: () =>
      store.transaction(() => {
        if (found) store.setMeta(BASE, found);
        return prompt.length > 0 ? withdrawn(store, prompt.join(' and ')) : [];
      }),
  };
}

function refuseOtherBase(runFolder: string, model: string, known: BaseIdentity, found: BaseIdentity): void {
  const parts = (['configuration', 'tokenizer', 'weights'] as const).filter((part) => known[part] !== found[part]);
  if (parts.length === 0) return;
  const digests = parts.map((part) => `${part} ${short(found[part])}, which was ${short(known[part])}`);
  throw new InputError(
    `runFolder ${runFolder} was begun with another base than model ${model} is now: ${digests.join('; ')}. ` +
      'Name the base that the run was begun with, or choose another run folder',
  );
}

/** For a run that an older Quorum began, and a model that is no folder: there is no digest to compare. */
function refuseOtherName(runFolder: string, was: string, is: string): void {
  if (basename(was) === basename(is)) return;
  const begun = `runFolder ${runFolder} was begun with model ${basename(was)}, which is now ${basename(is)}`;
  throw new InputError(`${begun}: set it back, or choose another run folder`);
}

/** Steps after the checkpoint lead to the same weights only with the prompts that they were made with. */
function refuseReplay(store: Store, version: number, what: string): void {
  const steps = (store.latestVersion()?.n ?? 0) - version;
  if (steps <= 0) return;
  throw new InputError(
    `${what} changed, but the ${steps === 1 ? 'last step has' : `last ${steps} steps have`} to be learnt again as it was, because the daemon did not end by itself: ` +
      'set it back, start and stop once, then change it',
  );
}

function withdrawn(store: Store, what: string): string[] {
  const dropped = store.withdraw(() => true);
  const groups =
    dropped === 0
      ? ''
      : `; ${dropped} ${dropped === 1 ? 'group' : 'groups'} in hand dropped, which answered the old prompt`;
  return [
    `${what} changed since the last start: versions and accuracies before and after were asked in different ways${groups}`,
  ];
}

function short(digest: string): string {
  return digest.slice(0, 12);
}
