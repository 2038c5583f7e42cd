import { InputError } from 'quorum';
import { z } from 'zod';

const url = z.url({ protocol: /^https?$/, error: 'expected an http or https address' });
/** Options of every fleet: where it is, and how it is asked. */
export const addresses = {
  urls: z
    .union([url.transform((one) => [one]), z.array(url).min(1).max(256)])
    .describe('Addresses of the servers, such as `http://gpu1:8000`.'),
  model: z.string().min(1).describe('Name under which the servers serve the base (`--served-model-name`).'),
};

export const requests = {
  keyVariable: z.string().min(1).optional().describe('Environment variable with the key of the servers (`--api-key`).'),
  timeoutSeconds: z.number().positive().max(86_400).default(300).describe('How long one request may take.'),
  attempts: z.int().min(1).max(100).default(6).describe('Attempts at one request before it fails.'),
  backoffMilliseconds: z
    .number()
    .positive()
    .max(60_000)
    .default(500)
    .describe('Rest of a server after its first failure; it doubles with each.'),
  maxBackoffMilliseconds: z.number().positive().max(600_000).default(30_000).describe('Longest rest of a server.'),
  maxInHand: z
    .int()
    .min(1)
    .max(4_096)
    .default(32)
    .describe('Requests that a server has in hand at most; the others wait here.'),
};

const fleetOptions = z.object({ ...addresses, ...requests });

export type FleetOptions = z.output<typeof fleetOptions>;

/** @throws InputError when the variable that `keyVariable` names is not set. */
export function keyHeader({ keyVariable }: FleetOptions): Record<string, string> {
  if (keyVariable === undefined) return {};
  const key = process.env[keyVariable];
  if (key === undefined || key === '')
    throw new InputError(
      `\`keyVariable\` names the environment variable ${keyVariable}, which is not set: set it to the key of the servers`,
    );
  return { authorization: `Bearer ${key}` };
}
