/** What must hold for a server of any kind before it samples, with words on what to start it with where it does not. */
import { InputError, type Question } from 'quorum';
import type { Server } from './servers.ts';
import type { Probe, Wire } from './wire.ts';

/** Log-probabilities closer than this are the same. */
const SAME = 1e-6;

export function sameLogprobs(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((logprob, i) => Math.abs(logprob - b[i]!) <= SAME);
}

/** @throws InputError when the server's prompt is not the learner's. */
export function refuseOtherPrompt(
  server: Server,
  { flags }: Wire,
  { id }: Question,
  theirs: readonly number[],
  ours: readonly number[],
): void {
  if (theirs.length === ours.length && theirs.every((token, i) => token === ours[i])) return;
  const at = ours.findIndex((token, i) => token !== theirs[i]);
  const where = at === -1 ? ours.length : at;
  throw new InputError(
    `${server.name} makes ${theirs.length} tokens of question ${id}, the learner ${ours.length}, and they differ from token ${where} (${theirs[where]} and ${ours[where]}): ` +
      `serve the run's own model folder, with its tokenizer, chat template and picture settings; where the run scales pictures down (\`pictures.maxTokens\`), pass ${flags.pictures} of the same size`,
  );
}

/** Log-probabilities of the model itself, not of the distribution that is sampled, do not depend on the temperature. */
export async function checkLogprobs(server: Server, wire: Wire, probe: Probe, signal: AbortSignal): Promise<void> {
  const most = async (temperature: number): Promise<number> => {
    const found = await wire.likely(server, undefined, probe, temperature, signal);
    return found.length === 0 ? Number.NaN : Math.max(...found);
  };
  const [one, two] = [await most(1), await most(2)]; // vLLM takes no higher one
  if (Number.isNaN(one) || Math.abs(one - two) > SAME || one > -SAME) return;
  throw new InputError(
    `${server.name} gives log-probabilities before the temperature, but the learner needs those of the distribution that is sampled: start it ${wire.flags.logprobs}`,
  );
}
