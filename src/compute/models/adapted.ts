/** Resolves a folder that holds an adapter to the model that the adapter belongs to. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../../protocol/errors.ts';
import { ADAPTER_CONFIG, adapterConfig } from './adapter-folder.ts';
import type { StoredAdapter } from './adapter.ts';
import { readAdapter } from './adapters.ts';

export const CONFIG = 'config.json';

export interface Adapted {
  readonly folder: string;
  readonly adapter: StoredAdapter;
}

/**
 * Returns the folder that holds the model itself, and the adapters to apply to it, first to last. As in transformers,
 * a folder that holds an adapter is not read as a model, whatever other files it has. @throws InputError when an
 * adapter cannot be applied
 */
export async function withoutAdapters(
  folder: string,
): Promise<{ readonly base: string; readonly adapters: readonly Adapted[] }> {
  const adapters: Adapted[] = [];
  let base = folder;
  for (;;) {
    const config = await adapterConfig(base);
    if (config === undefined) return { base, adapters: adapters.toReversed() };
    const adapter = readAdapter(config);
    if (typeof adapter === 'string') throw notApplied(base, config, adapter);
    adapters.push({ folder: base, adapter });
    const named = config['base_model_name_or_path'];
    const next = typeof named === 'string' ? named : '';
    if (!existsSync(join(next, CONFIG)) && !existsSync(join(next, ADAPTER_CONFIG)))
      throw notApplied(base, config, 'its base is no folder here');
    if (adapters.some((each) => resolve(each.folder) === resolve(next)))
      throw notApplied(base, config, 'it is its own base');
    base = next;
  }
}

function notApplied(folder: string, config: Readonly<Record<string, unknown>>, why: string): InputError {
  const base = config['base_model_name_or_path'];
  const to = base === undefined ? '' : ` to ${JSON.stringify(base)}`;
  return new InputError(
    `${folder}: holds an adapter${to} (${ADAPTER_CONFIG}), which Quorum does not apply, as ${why}: name the base's folder there, or merge it first, in ` +
      'Python with peft: `PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(folder)`, and name that folder; ' +
      `where its weights are merged already, remove ${ADAPTER_CONFIG}`,
  );
}
