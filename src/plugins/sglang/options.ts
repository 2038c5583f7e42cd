import { z } from 'zod';
import { addresses, requests } from '../servers/options.ts';

export const options = z.strictObject({
  ...addresses,
  versionFolder: z
    .string()
    .min(1)
    .optional()
    .describe("Folder for versions, which the servers can read; default: `versions` in the plug-in's own folder."),
  serverVersionFolder: z
    .string()
    .min(1)
    .optional()
    .describe('The same folder as the servers see it, where that differs.'),
  ...requests,
});
