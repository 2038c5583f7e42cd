/** How a fleet asks vLLM. */
import { createHash } from 'node:crypto';
import { InputError, type Question, type SampleRequest } from 'quorum';
import { z } from 'zod';
import { refuseOtherPrompt } from '../servers/checks.ts';
import { RefusedError, sound, type Server } from '../servers/servers.ts';
import { SetupError } from '../servers/setup-error.ts';
import { LostVersionError, type CheckedServer, type Probe, type Wire } from '../servers/wire.ts';
import { completion, messages, modelList, samplesOf, tokenized, type Completion } from './api.ts';
import { addHead } from './head.ts';
import { reload } from './reload.ts';

/** Tokens whose log-probabilities are compared. */
const COMPARED = 5;
const NEEDS_ADAPTERS =
  '--enable-lora --max-lora-rank RANK --max-loras N, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 in its environment';

/** @param model name under which the servers have the base */
export function vllmWire(model: string): Wire {
  const wire: Wire = {
    kind: 'vLLM',
    flags: {
      maxTokens: '--max-model-len',
      pictures: '--mm-processor-kwargs \'{"max_pixels": N}\'',
      logprobs: 'with --logprobs-mode processed_logprobs',
      tower: 'start it with --enable-tower-connector-lora, or ',
    },
    check: (server, probe, signal) => checkServer(server, wire, model, probe, signal),
    async complete(server, { adapter = model }, probe, request, n, signal) {
      const body = { model: adapter, messages: messagesOf(probe), ...bodyOf(request, probe.question), n };
      const answer = await post(server, body, signal).catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
        if (error.status === 404) throw new LostVersionError(error.message);
        throw error.status === 400 ? new InputError(error.message) : error;
      });
      return { promptTokens: answer.prompt_token_ids, samples: sound(server, () => samplesOf(answer, n)) };
    },
    async likely(server, adapter = model, probe, temperature, signal) {
      const body = {
        model: adapter,
        messages: messagesOf(probe),
        temperature,
        max_tokens: 1,
        logprobs: true,
        top_logprobs: COMPARED, // the token that is drawn comes first, whether or not it is the most likely one
        return_token_ids: true,
      };
      const { choices } = await post(server, body, signal);
      return choices[0]!.logprobs.content[0]?.top_logprobs?.map(({ logprob }) => logprob) ?? [];
    },
    loadAdapter,
    async unloadAdapter(server, name, signal) {
      const body = { lora_name: name };
      await server.call({ method: 'POST', path: '/v1/unload_lora_adapter', body, schema: z.unknown() }, signal);
    },
    complement: addHead,
    reload: (server, _folder, _weights, idleSeconds, signal) => reload(server, idleSeconds, signal),
  };
  return wire;
}

function post(server: Server, body: unknown, signal: AbortSignal): Promise<Completion> {
  return server.call({ method: 'POST', path: '/v1/chat/completions', body, schema: completion }, signal);
}

const messagesOf = ({ turns, pictures }: Probe) => messages(turns, pictures);

async function checkServer(
  server: Server,
  wire: Wire,
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
    const body = { model, messages: messagesOf(probe) };
    const found = await server
      .call({ method: 'POST', path: '/tokenize', body, schema: tokenized }, signal)
      .catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
        throw new InputError(
          `${error.message}. Start the server with --limit-mm-per-prompt '{"image":N}' for N pictures a question`,
        );
      });
    refuseOtherPrompt(server, wire, probe.question, found.tokens, probe.tokens);
  }
  return { maxTokens: served.max_model_len ?? undefined };
}

async function loadAdapter(server: Server, name: string, path: string, signal: AbortSignal): Promise<void> {
  const body = { lora_name: name, lora_path: path };
  try {
    await server.call({ method: 'POST', path: '/v1/load_lora_adapter', body, schema: z.unknown() }, signal);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (/already/i.test(error.message)) return;
    throw new SetupError(`${error.message}. Start the server with ${NEEDS_ADAPTERS}; it must be able to read ${path}`);
  }
}

function bodyOf(request: SampleRequest, question: Question) {
  const { temperature, topP, topK, maxNewTokens } = request.params;
  return {
    temperature,
    top_p: topP,
    ...(topK > 0 && { top_k: topK }),
    max_tokens: maxNewTokens,
    seed: seedOf(request, question),
    logprobs: true,
    return_token_ids: true,
  };
}

/** Same seed, version and question: same samples, as far as the server keeps to it. */
function seedOf({ seed, version }: SampleRequest, { id }: Question): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, version, id]))
    .digest();
  return digest.readUInt32LE(0) >>> 1;
}
