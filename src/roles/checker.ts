/** A check of responses: the work of one group at a time, and the samples that the check asks for. */
import type { Config } from '../config/schema.ts';
import type { Call } from '../protocol/performer.ts';
import type { Check, CheckReply, CheckRequest } from '../protocol/ports.ts';

/** @param which names the group of the job: `group 2 of 8`. */
export function checking(
  request: CheckRequest,
  which: string,
  { pluginSeconds }: Pick<Config['timeouts'], 'pluginSeconds'>,
): Call<Check, CheckReply> {
  return { doing: `checking ${which}`, seconds: pluginSeconds, run: async (port, signal) => port(request, signal) };
}
