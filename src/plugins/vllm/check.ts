/** What must hold before a server samples for the run, with words on what to start it with where it does not. */
import { InputError, type Question } from 'quorum';
import { RefusedError, type Server } from './servers.ts';
import { completion, modelList, tokenized } from './wire.ts';

export interface Probe {
  readonly question: Question;
  readonly messages: readonly unknown[];
  /** As the learner encodes it. */
  readonly tokens: readonly number[];
}

export interface CheckedServer {
  /** `--max-model-len`; undefined where the server does not say. */
  readonly maxTokens: number | undefined;
}

/** Log-probabilities closer than this are the same. */
const SAME = 1e-6;

export function sameLogprobs(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((logprob, i) => Math.abs(logprob - b[i]!) <= SAME);
}

/** @throws InputError, or the server's own error when it does not answer. */
export async function checkServer(
  server: Server,
  model: string,
  probe: Probe | undefined,
  signal: AbortSignal,
): Promise<CheckedServer> {
  const { data } = await server.call({ method: 'GET', path: '/v1/models', schema: modelList }, signal);
  const served = data.find(({ id }) => id === model);
  if (!served)
    throw new InputError(
      `${server.name} serves ${data.map(({ id }) => id).join(', ')}, not "${model}": start it with --served-model-name ${model}, or set \`model\` to what it serves`,
    );
  if (probe) {
    await checkPrompt(server, model, probe, signal);
    await checkLogprobs(server, model, probe, signal);
  }
  return { maxTokens: served.max_model_len ?? undefined };
}

async function checkPrompt(server: Server, model: string, probe: Probe, signal: AbortSignal): Promise<void> {
  const body = { model, messages: probe.messages };
  const found = await server
    .call({ method: 'POST', path: '/tokenize', body, schema: tokenized }, signal)
    .catch((error) => {
      throw error instanceof RefusedError
        ? new InputError(
            `${error.message}. Start the server with --limit-mm-per-prompt '{"image":N}' for N pictures a question`,
          )
        : (error as Error);
    });
  refuseOtherPrompt(server, probe.question, found.tokens, probe.tokens);
}

/** @throws InputError when the server's prompt is not the learner's. */
export function refuseOtherPrompt(
  server: Server,
  { id }: Question,
  theirs: readonly number[],
  ours: readonly number[],
): void {
  if (theirs.length === ours.length && theirs.every((token, i) => token === ours[i])) return;
  const at = ours.findIndex((token, i) => token !== theirs[i]);
  const where = at === -1 ? ours.length : at;
  throw new InputError(
    `${server.name} makes ${theirs.length} tokens of question ${id}, the learner ${ours.length}, and they differ from token ${where} (${theirs[where]} and ${ours[where]}): ` +
      "serve the run's own model folder, with its tokenizer, chat template and picture settings; where the run scales pictures down (`pictures.maxTokens`), pass --mm-processor-kwargs '{\"max_pixels\": N}' of the same size",
  );
}

/** Log-probabilities of the model itself, not of the distribution that is sampled, do not depend on the temperature. */
async function checkLogprobs(server: Server, model: string, probe: Probe, signal: AbortSignal): Promise<void> {
  const most = async (temperature: number): Promise<number> => {
    const body = {
      model,
      messages: probe.messages,
      temperature,
      max_tokens: 1,
      logprobs: true,
      top_logprobs: 2, // the token that is drawn comes first, whether or not it is the most likely one
      return_token_ids: true,
    };
    const { choices } = await server.call(
      { method: 'POST', path: '/v1/chat/completions', body, schema: completion },
      signal,
    );
    const found = choices[0]!.logprobs.content[0]?.top_logprobs ?? [];
    return found.length === 0 ? Number.NaN : Math.max(...found.map(({ logprob }) => logprob));
  };
  const [one, two] = [await most(1), await most(2)]; // vLLM takes no higher one
  if (Number.isNaN(one) || Math.abs(one - two) > SAME || one > -SAME) return;
  throw new InputError(
    `${server.name} gives log-probabilities before the temperature, but the learner needs those of the distribution that is sampled: start it with --logprobs-mode processed_logprobs`,
  );
}
