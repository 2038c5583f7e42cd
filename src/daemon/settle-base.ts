/**
 * Checks that the base is the one with which the run began, and finds changes of its prompt since the last start.
 * Digests of configuration, tokenizer and weights identify a base; the name of its folder does not.
 */
import { basename } from 'node:path';
import type { Config } from '../config/schema.ts';
import { identifyBase, type BaseIdentity } from '../compute/hf/base-identity.ts';
import { InputError } from '../protocol/errors.ts';
import type { KeptConfig } from '../store/run-folder.ts';
import type { Store } from '../store/store.ts';

/** Key under which the store keeps the digests of the run's base and prompt. */
const BASE = 'run.base';

export interface SettledBase {
  /**
   * Stores the base's digests and, if the prompt changed, drops work in progress. Call it once the model has loaded,
   * before the configuration is stored. @returns the changes in words.
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
 * @throws InputError for another base, and for another prompt while steps made with the old one must be learnt again.
 */
export async function settleBase(
  store: Store,
  { model, promptTemplate, prompt: { system } }: Pick<Config, 'model' | 'promptTemplate' | 'prompt'>,
  past: Past,
): Promise<SettledBase> {
  const { runFolder, before, version } = past;
  const known = store.meta(BASE) as BaseIdentity | undefined;
  const found = await identifyBase(model, known);
  if (known && found) refuseOtherBase(runFolder, model, known, found);
  else if (before) refuseOtherName(runFolder, before.model, model);
  const prompt = [
    before?.promptTemplate !== undefined && before.promptTemplate !== promptTemplate && 'promptTemplate',
    before !== undefined && (before.prompt?.system ?? null) !== system && 'prompt.system',
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

/** Compares folder names if there are no digests: for a run of an older Quorum, or a model that is no folder. */
function refuseOtherName(runFolder: string, was: string, is: string): void {
  if (basename(was) === basename(is)) return;
  const begun = `runFolder ${runFolder} was begun with model ${basename(was)}, which is now ${basename(is)}`;
  throw new InputError(`${begun}: set it back, or choose another run folder`);
}

/** Refuses if steps must be learnt again: these give the same weights only with the prompts of their time. */
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
