/**
 * Drops groups in which too many responses were cut off at the longest length: their rewards tell how long a response
 * was rather than whether it is right (overlong filtering, DAPO, arXiv 2503.14476, section 3.4, there for single
 * responses).
 */
import { API_VERSION, definePlugin } from 'quorum';
import { z } from 'zod';

export default definePlugin({
  name: 'length-filter',
  apiVersion: API_VERSION,
  options: z.strictObject({
    maxCutOffShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Share of cut-off responses up to which a group is kept.'),
  }),
  ports: {
    filter:
      ({ options }) =>
      ({ group: { samples } }) => {
        const cut = samples.filter(({ finish }) => finish === 'length').length;
        return cut > options.maxCutOffShare * samples.length
          ? `${cut} of ${samples.length} responses were cut off`
          : undefined;
      },
  },
});
