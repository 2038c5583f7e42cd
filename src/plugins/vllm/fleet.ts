/** The servers of a run and what they serve; all samplers of the run share it. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { join, resolve } from 'node:path';
import {
  InputError,
  type PortContext,
  type Question,
  type RunQuestions,
  type Sample,
  type SampleRequest,
} from 'quorum';
import { checkServer, refuseOtherPrompt, type CheckedServer, type Probe } from './check.ts';
import { keyHeader, type Options } from './options.ts';
import { PassingError, RefusedError, Server, withServer } from './servers.ts';
import { checkTower } from './tower.ts';
import { SetupError } from './setup-error.ts';
import { ServedVersions } from './versions.ts';
import { completion, dataUrl, messages, samplesOf, type Completion } from './wire.ts';

/** Of one sampler. */
type Context = PortContext<Options, 'sample'>;

/** Questions among which one with a picture is looked for. */
const LOOKED_AT = 100;

interface Answered {
  readonly samples: readonly Sample[];
  readonly promptTokens: number;
}

export class Fleet {
  readonly #options: Options;
  readonly #versions: ServedVersions;
  readonly #servers: ReadonlyMap<Server, CheckedServer>;

  private constructor(options: Options, servers: ReadonlyMap<Server, CheckedServer>, versions: ServedVersions) {
    this.#options = options;
    this.#servers = servers;
    this.#versions = versions;
  }

  /** @throws InputError when a server does not fit the run. */
  static async open(context: Context, signal: AbortSignal): Promise<Fleet> {
    const { options: given, base, folder, questions } = context;
    const own = { ...given, headers: keyHeader(given) };
    const servers = given.urls.map((address) => new Server(address, own));
    const question = typical(questions);
    const probe = question && (await probeOf(context, question));
    const adapters = given.adapterFolder === undefined ? join(folder, 'adapters') : resolve(base, given.adapterFolder);
    const versions = new ServedVersions({
      model: given.model,
      folder: adapters,
      serverFolder: given.serverAdapterFolder ?? adapters,
      modelFolder: given.modelFolder === undefined ? undefined : resolve(base, given.modelFolder),
      idleSeconds: given.timeoutSeconds,
      checkAdapter: (server, adapter, ending) => checkTower(server, adapter, probe, ending),
    });
    const checked = await Promise.all(
      servers.map(async (server) => {
        const found = await withServer([server], given, signal, () => checkServer(server, given.model, probe, signal));
        await withServer([server], given, signal, () => tryFirst(context, versions, server, signal));
        return [server, found] as const;
      }),
    );
    return new Fleet(given, new Map(checked), versions);
  }

  async sample(context: Context, request: SampleRequest, signal: AbortSignal) {
    const started = performance.now();
    const ending = AbortSignal.any([signal, context.signal]);
    // Each question that waits listens to it; Node warns from the eleventh on.
    setMaxListeners(0, ending);
    const answers = await Promise.all(
      request.questions.map((question) => this.#ask(context, question, request, ending)),
    );
    const groups = answers.map(({ samples }) => samples);
    return {
      groups,
      promptTokens: answers.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
      newTokens: groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0),
      seconds: (performance.now() - started) / 1_000,
    };
  }

  async #ask(context: Context, question: Question, request: SampleRequest, signal: AbortSignal): Promise<Answered> {
    const probe = await probeOf(context, question);
    const { samples: count, temperature } = request.params;
    const asked = temperature === 0 ? 1 : count; // vLLM refuses several greedy samples, which would be the same
    return withServer([...this.#servers.keys()], this.#options, signal, async (server) => {
      this.#refuseLong(server, probe, request);
      const weights = await context.weights(request.version);
      const served = await this.#versions.on(server, weights, signal);
      const body = { ...bodyOf(request, probe), model: served.model, n: asked };
      const answer = await this.#complete(server, body, signal).finally(served.release);
      refuseOtherPrompt(server, question, answer.prompt_token_ids, probe.tokens);
      const found = await Promise.all(
        sound(server, () => samplesOf(answer, asked)).map(async (sample): Promise<Sample> => ({
          ...sample,
          text: await context.tokenizer.decode(sample.tokens),
        })),
      );
      return {
        samples: asked === count ? found : Array.from({ length: count }, () => found[0]!),
        promptTokens: probe.tokens.length,
      };
    });
  }

  async #complete(server: Server, body: unknown, signal: AbortSignal): Promise<Completion> {
    try {
      return await server.call({ method: 'POST', path: '/v1/chat/completions', body, schema: completion }, signal);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.status !== 404) throw error.status === 400 ? new InputError(error.message) : error;
      this.#versions.forget(server);
      throw new PassingError(error.message);
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
async function tryFirst(
  { weights }: Pick<Context, 'weights'>,
  versions: ServedVersions,
  server: Server,
  signal: AbortSignal,
): Promise<void> {
  try {
    (await versions.on(server, await weights(0), signal)).release();
  } catch (error) {
    if (error instanceof RangeError) return; // a run that continues has a newer one
    throw error instanceof SetupError ? new InputError(error.message) : (error as Error);
  }
}

/** A question with a picture, if one is among the first. */
function typical(questions: RunQuestions): Question | undefined {
  const first = Array.from({ length: Math.min(LOOKED_AT, questions.size) }, (_, i) => questions.question(i));
  return first.find(({ pictures }) => pictures.length > 0) ?? first[0];
}

function bodyOf(request: SampleRequest, { question, messages: turns }: Probe) {
  const { temperature, topP, topK, maxNewTokens } = request.params;
  return {
    messages: turns,
    temperature,
    top_p: topP,
    ...(topK > 0 && { top_k: topK }),
    max_tokens: maxNewTokens,
    seed: seedOf(request, question),
    logprobs: true,
    return_token_ids: true,
  };
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
