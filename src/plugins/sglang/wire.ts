/** How a fleet asks SGLang. */
import { InputError, type SampleRequest } from 'quorum';
import { z } from 'zod';
import { refuseOtherPrompt } from '../servers/checks.ts';
import { RefusedError, sound, type Server } from '../servers/servers.ts';
import { SetupError } from '../servers/setup-error.ts';
import { untilIdle } from '../servers/until-idle.ts';
import { LostVersionError, type CheckedServer, type Probe, type Version, type Wire } from '../servers/wire.ts';
import { generated, modelList, promptOf, samplesOf, serverInfo, type Generated } from './api.ts';

/** Tokens whose log-probabilities are compared. */
const COMPARED = 5;
const BASE: Version = { adapter: undefined, weights: '' };
const NEEDS_ADAPTERS =
  '--enable-lora --max-lora-rank RANK --lora-target-modules MODULE ... for at least the rank and the modules of `learner.adapter`';

/** @param model name with which the servers were started */
export function sglangWire(model: string): Wire {
  const wire: Wire = {
    kind: 'SGLang',
    flags: {
      maxTokens: '--context-length',
      pictures: '--mm-process-config \'{"image": {"max_pixels": N}}\'',
      logprobs: 'without SGLANG_RETURN_ORIGINAL_LOGPROB in its environment',
      tower: '',
    },
    check: (server, probe, signal) => checkServer(server, wire, model, probe, signal),
    async complete(server, version, probe, request, count, signal) {
      const answer = await generate(server, version, probe, samplingOf(request.params, count), signal).catch(
        (error: unknown) => {
          if (!(error instanceof RefusedError) || error.status !== 400) throw error;
          if (version.adapter !== undefined && error.message.includes(version.adapter))
            throw new LostVersionError(error.message);
          throw new InputError(error.message);
        },
      );
      const [{ meta_info: meta, prompt_token_ids: promptTokens }] = answer as [Generated[0]];
      if (version.adapter === undefined && meta.weight_version !== version.weights)
        throw new LostVersionError(`${server.name} sampled with other weights than those it was given`);
      return { promptTokens, samples: sound(server, () => samplesOf(answer, count)) };
    },
    async likely(server, adapter, probe, temperature, signal) {
      const [one] = await generate(server, { ...BASE, adapter }, probe, first(temperature), signal);
      return (one!.meta_info.output_top_logprobs?.[0] ?? []).map(([logprob]) => logprob);
    },
    loadAdapter,
    async unloadAdapter(server, name, signal) {
      await post(server, '/unload_lora_adapter', { lora_name: name }, signal);
    },
    reload,
  };
  return wire;
}

const first = (temperature: number) => ({
  sampling_params: { temperature, max_new_tokens: 1 },
  top_logprobs_num: COMPARED,
});

/** @throws SetupError when the distribution is truncated: log-probabilities are those of the whole one (SGLang 0.5.23). */
function samplingOf({ temperature, topP, topK, maxNewTokens }: SampleRequest['params'], n: number): object {
  if (temperature > 0 && (topP < 1 || topK > 0))
    throw new SetupError(
      'SGLang gives no log-probabilities of a distribution that top-p or top-k truncates: set `sampling.topP` to 1 and `sampling.topK` to 0',
    );
  return { sampling_params: { n, temperature, max_new_tokens: maxNewTokens } };
}

function generate(
  server: Server,
  version: Version,
  probe: Probe,
  sampling: object,
  signal: AbortSignal,
): Promise<Generated> {
  const body = {
    ...promptOf(probe, version),
    ...sampling,
    ...(version.adapter !== undefined && { lora_path: version.adapter }),
    return_logprob: true,
    return_prompt_token_ids: true,
  };
  return server.call({ method: 'POST', path: '/generate', body, schema: generated }, signal);
}

function post(server: Server, path: string, body: object, signal: AbortSignal): Promise<unknown> {
  return server.call({ method: 'POST', path, body, schema: z.unknown() }, signal);
}

async function checkServer(
  server: Server,
  wire: Wire,
  model: string,
  probe: Probe | undefined,
  signal: AbortSignal,
): Promise<CheckedServer> {
  // `/model_info` has another name once the server has read weights.
  const info = await server.call({ method: 'GET', path: '/server_info', schema: serverInfo }, signal);
  if (info.served_model_name !== model)
    throw new InputError(
      `${server.name} serves ${info.served_model_name}, not "${model}": start it with --served-model-name ${model}, or set \`model\` to what it serves`,
    );
  if (info.enable_deterministic_inference)
    throw new InputError(
      `${server.name} draws every sample of a question with the same seed: start it without --enable-deterministic-inference`,
    );
  const { data } = await server.call({ method: 'GET', path: '/v1/models', schema: modelList }, signal);
  if (probe) {
    const [one] = await generate(server, BASE, probe, first(0), signal).catch((error: unknown) => {
      throw error instanceof RefusedError ? new InputError(error.message) : (error as Error);
    });
    refuseOtherPrompt(server, wire, probe.question, one!.prompt_token_ids, probe.tokens);
  }
  return { maxTokens: data[0]!.max_model_len ?? undefined };
}

async function loadAdapter(server: Server, name: string, path: string, signal: AbortSignal): Promise<void> {
  try {
    await post(server, '/load_lora_adapter', { lora_name: name, lora_path: path }, signal);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (/already/i.test(error.message)) return;
    throw new SetupError(`${error.message}. Start the server with ${NEEDS_ADAPTERS}; it must be able to read ${path}`);
  }
}

/**
 * SGLang waits for requests in hand, but not for cancelled ones that it still computes: it reads the weights, cannot clear
 * its cache of prompts, and refuses the call (0.5.23). So the server must be idle first.
 */
async function reload(
  server: Server,
  folder: string,
  weights: string,
  idleSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const clear = async (): Promise<boolean> => {
    try {
      await post(server, '/flush_cache', {}, signal);
      return true;
    } catch (error) {
      if (error instanceof RefusedError && error.status === 400) return false;
      throw error;
    }
  };
  await untilIdle(server, clear, idleSeconds, signal);
  try {
    await post(server, '/update_weights_from_disk', { model_path: folder, weight_version: weights }, signal);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SetupError(`${error.message}. The server must be able to read ${folder}`);
  }
}
