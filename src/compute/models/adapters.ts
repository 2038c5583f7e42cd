/** The registry of adapter types (adapter.ts): each type has one entry in each list. This module loads no TF.js. */
import { z } from 'zod';
import type { Adaptable, Adapter, StoredAdapter } from './adapter.ts';
import { lora } from './lora.ts';

const ADAPTERS = { lora };

/** Schema of `learner.adapter`; `none` trains the whole model. */
export const adapterSettings = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  lora.settings,
]);

export type AdapterSettings = Exclude<z.output<typeof adapterSettings>, { readonly type: 'none' }>;

/** @throws InputError when the settings do not fit the model. */
export function makeAdapter(model: Adaptable, settings: AdapterSettings): Adapter {
  return ADAPTERS[settings.type].make(model, settings);
}

/** @returns the adapter, or the reason why it cannot be applied. @param config adapter_config.json */
export function readAdapter(config: Readonly<Record<string, unknown>>): StoredAdapter | string {
  const type = Object.values(ADAPTERS).find(({ peftType }) => peftType === config['peft_type']);
  return type ? type.read(config) : `its peft_type is ${JSON.stringify(config['peft_type'])}`;
}
