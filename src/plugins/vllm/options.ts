import { z } from 'zod';
import { addresses, requests } from '../servers/options.ts';

export const options = z.strictObject({
  ...addresses,
  adapterFolder: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder for versions of an adapter, which the servers can read; default: `adapters` in the plug-in's own folder.",
    ),
  serverAdapterFolder: z
    .string()
    .min(1)
    .optional()
    .describe('The same folder as the servers see it, where that differs.'),
  modelFolder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'For runs that train the whole model: the folder that the servers serve, a copy of the base. It is overwritten.',
    ),
  ...requests,
});
