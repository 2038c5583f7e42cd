/**
 * Rewards the form of a response, not its content: length and format. Configured terms add up; alone they reward no
 * content, so use it within `quorum/plugins/combine`. Lengths are in tokens.
 */
import { API_VERSION, definePlugin } from 'quorum';
import { z } from 'zod';

const target = z.strictObject({
  tokens: z.int().positive().describe('Length that is wanted.'),
  perToken: z.number().positive().default(0.0003).describe('What each token too many or too few costs.'),
});

const overlong = z
  .strictObject({
    limit: z.int().positive().describe('From this length on the whole penalty is due.'),
    buffer: z.int().positive().describe('Tokens below `limit` over which it grows.'),
    penalty: z.number().positive().default(1).describe('The whole penalty.'),
  })
  .refine(({ limit, buffer }) => buffer <= limit, { path: ['buffer'], message: 'must not exceed limit' });

type Overlong = z.output<typeof overlong>;

export default definePlugin({
  name: 'shaping',
  apiVersion: API_VERSION,
  options: z
    .strictObject({
      target: target.optional().describe('Distance to a wanted length costs (L1, arXiv 2503.04697, eq. 1).'),
      overlong: overlong
        .optional()
        .describe('Soft punishment of responses that are too long (DAPO, arXiv 2503.14476, eq. 13).'),
      boxed: z.number().positive().optional().describe('What a response with a final answer earns.'),
    })
    .refine((terms) => Object.values(terms).some((term) => term !== undefined), {
      message: 'give at least one of target, overlong, boxed',
    }),
  ports: {
    reward:
      ({ options }) =>
      ({ group, answers }) =>
        group.samples.map(({ tokens: { length } }, i) => {
          const distance = options.target ? options.target.perToken * Math.abs(options.target.tokens - length) : 0;
          const excess = options.overlong ? overlongPenalty(length, options.overlong) : 0;
          const format = answers[i] === null ? 0 : (options.boxed ?? 0);
          return format - distance - excess;
        }),
  },
});

/** 0 up to `limit - buffer`, then in proportion, the whole penalty from `limit` on. */
function overlongPenalty(length: number, { limit, buffer, penalty }: Overlong): number {
  return penalty * Math.min(1, Math.max(0, (length - (limit - buffer)) / buffer));
}
