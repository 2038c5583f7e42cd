/**
 * Samples with vLLM servers (0.32 or later) that serve the run's own model folder; everything else of the run stays as
 * it is. Each question is a chat completion with its pictures as data, which answers G samples as token ids with their
 * log-probabilities. A version of an adapter is loaded under a name of its own, so that two versions can be in use; a
 * version of a whole model replaces the weights in `modelFolder`. Requests go to the server with the fewest in hand. An
 * answer of 408, 429 or 5xx, none in time, a lost connection and an answer that makes no sense are tried again, with
 * back-off, on the server that is ready first; a server that restarted gets its version again. When all attempts fail the
 * actor restarts, and past its budget the run's own sampler takes over. docs/machines.md says how to start the servers.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import {
  API_VERSION,
  definePlugin,
  InputError,
  type PortContext,
  type Question,
  type Sample,
  type SampleRequest,
} from 'quorum';
import { z } from 'zod';
import { checkServer, refuseOtherPrompt, type CheckedServer, type Probe } from './vllm/check.ts';
import { PassingError, RefusedError, Server, withServer } from './vllm/servers.ts';
import { ServedVersions, SetupError } from './vllm/versions.ts';
import { completion, dataUrl, messages, samplesOf, type Completion } from './vllm/wire.ts';

const url = z.url({ protocol: /^https?$/, error: 'expected an http or https address' });
const options = z.strictObject({
  urls: z
    .union([url.transform((one) => [one]), z.array(url).min(1).max(256)])
    .describe('Addresses of the servers, such as `http://gpu1:8000`.'),
  model: z.string().min(1).describe('Name under which the servers serve the base (`--served-model-name`).'),
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
});

type Options = z.output<typeof options>;
type Context = PortContext<Options, 'sample'>;

export default definePlugin({
  name: 'vllm',
  apiVersion: API_VERSION,
  options,
  ports: {
    async sample(context) {
      const fleet = await Fleet.open(context);
      return (request, signal) => fleet.sample(request, signal);
    },
  },
});

interface Answered {
  readonly samples: readonly Sample[];
  readonly promptTokens: number;
}

class Fleet {
  readonly #context: Context;
  readonly #versions: ServedVersions;
  readonly #servers: ReadonlyMap<Server, CheckedServer>;

  private constructor(context: Context, servers: ReadonlyMap<Server, CheckedServer>, versions: ServedVersions) {
    this.#context = context;
    this.#servers = servers;
    this.#versions = versions;
  }

  /** @throws InputError when a server does not fit the run. */
  static async open(context: Context): Promise<Fleet> {
    const { options: given, signal, base, folder, questions } = context;
    const own = { ...given, headers: keyHeader(given) };
    const servers = given.urls.map((address) => new Server(address, own));
    const adapters = given.adapterFolder === undefined ? join(folder, 'adapters') : resolve(base, given.adapterFolder);
    const versions = new ServedVersions((version) => context.weights(version), {
      model: given.model,
      folder: adapters,
      serverFolder: given.serverAdapterFolder ?? adapters,
      modelFolder: given.modelFolder === undefined ? undefined : resolve(base, given.modelFolder),
    });
    const probe = questions.size > 0 ? await probeOf(context, questions.question(0)) : undefined;
    const checked = await Promise.all(
      servers.map(async (server) => {
        const found = await withServer([server], given, signal, () => checkServer(server, given.model, probe, signal));
        await tryFirst(versions, server, signal);
        return [server, found] as const;
      }),
    );
    return new Fleet(context, new Map(checked), versions);
  }

  async sample(request: SampleRequest, signal: AbortSignal) {
    const started = performance.now();
    const ending = AbortSignal.any([signal, this.#context.signal]);
    // Each question that waits listens to it; Node warns from the eleventh on.
    setMaxListeners(0, ending);
    const answers = await Promise.all(request.questions.map((question) => this.#ask(question, request, ending)));
    const groups = answers.map(({ samples }) => samples);
    return {
      groups,
      promptTokens: answers.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
      newTokens: groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0),
      seconds: (performance.now() - started) / 1_000,
    };
  }

  async #ask(question: Question, request: SampleRequest, signal: AbortSignal): Promise<Answered> {
    const { options: given, tokenizer } = this.#context;
    const probe = await probeOf(this.#context, question);
    const { samples: count, temperature } = request.params;
    const asked = temperature === 0 ? 1 : count; // vLLM refuses several greedy samples, which would be the same
    return withServer([...this.#servers.keys()], given, signal, async (server) => {
      this.#refuseLong(server, probe, request);
      const answer = await this.#complete(
        server,
        probe,
        { ...request, params: { ...request.params, samples: asked } },
        signal,
      );
      refuseOtherPrompt(server, question, answer.prompt_token_ids, probe.tokens);
      const found = await Promise.all(
        sound(server, () => samplesOf(answer, asked)).map(async (sample): Promise<Sample> => ({
          ...sample,
          text: await tokenizer.decode(sample.tokens),
        })),
      );
      return {
        samples: asked === count ? found : Array.from({ length: count }, () => found[0]!),
        promptTokens: probe.tokens.length,
      };
    });
  }

  async #complete(server: Server, probe: Probe, request: SampleRequest, signal: AbortSignal): Promise<Completion> {
    const { temperature, topP, topK, maxNewTokens, samples: n } = request.params;
    const { model, release } = await this.#versions.on(server, request.version, signal);
    const body = {
      model,
      messages: probe.messages,
      n,
      temperature,
      top_p: topP,
      ...(topK > 0 && { top_k: topK }),
      max_tokens: maxNewTokens,
      seed: seedOf(request, probe.question),
      logprobs: true,
      return_token_ids: true,
    };
    try {
      return await server.call({ method: 'POST', path: '/v1/chat/completions', body, schema: completion }, signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.status !== 404) throw error.status === 400 ? new InputError(error.message) : error;
      this.#versions.forget(server);
      throw new PassingError(error.message);
    } finally {
      release();
    }
  }

  #refuseLong(server: Server, { tokens }: Probe, { params: { maxNewTokens } }: SampleRequest): void {
    const { maxTokens = Infinity } = this.#servers.get(server)!;
    const needed = tokens.length + maxNewTokens;
    if (needed > maxTokens)
      throw new SetupError(
        `${server.name} takes ${maxTokens} tokens, and a prompt of ${tokens.length} with a response of ${maxNewTokens} needs ${needed}: start it with --max-model-len ${needed} or more`,
      );
  }
}

/** Loads version 0, which a fresh run has, so that a server that cannot load versions is refused at the start. */
async function tryFirst(versions: ServedVersions, server: Server, signal: AbortSignal): Promise<void> {
  try {
    (await versions.on(server, 0, signal)).release();
  } catch (error) {
    if (error instanceof RangeError) return; // a run that continues has a newer one
    throw error instanceof SetupError ? new InputError(error.message) : (error as Error);
  }
}

async function probeOf({ prompt, picture }: Pick<Context, 'prompt' | 'picture'>, question: Question): Promise<Probe> {
  const { tokens, ...turns } = await prompt(question);
  const pictures = await Promise.all(question.pictures.map(async (ref) => dataUrl(await picture(ref))));
  return { question, tokens, messages: messages(turns, pictures) };
}

/** An answer that contradicts itself may be a server that is about to fail: another attempt may succeed. */
function sound<T>(server: Server, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new PassingError(`${server.name}: ${(error as Error).message}`);
  }
}

/** Same seed, version and question: same samples, as far as the server keeps to it. */
function seedOf({ seed, version }: SampleRequest, { id }: Question): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, version, id]))
    .digest();
  return digest.readUInt32LE(0) >>> 1;
}

function keyHeader({ keyVariable }: Options): Record<string, string> {
  if (keyVariable === undefined) return {};
  const key = process.env[keyVariable];
  if (key === undefined || key === '')
    throw new InputError(
      `\`keyVariable\` names the environment variable ${keyVariable}, which is not set: set it to the key of the servers`,
    );
  return { authorization: `Bearer ${key}` };
}
