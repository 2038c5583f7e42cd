/** The servers of a run and what they serve; all samplers of the run share it. */
import { setMaxListeners } from 'node:events';
import {
  InputError,
  type PortContext,
  type Question,
  type RunQuestions,
  type Sample,
  type SampleRequest,
} from 'quorum';
import { checkLogprobs, refuseOtherPrompt } from './checks.ts';
import { keyHeader, type FleetOptions } from './options.ts';
import { dataUrl } from './pictures.ts';
import { PassingError, Server, withServer } from './servers.ts';
import { SetupError } from './setup-error.ts';
import { checkTower } from './tower.ts';
import { ServedVersions, type VersionFolders } from './versions.ts';
import { LostVersionError, type CheckedServer, type Completed, type Probe, type Version, type Wire } from './wire.ts';

/** Of one sampler. */
type Context = Omit<PortContext<unknown, 'sample'>, 'options'>;

/** Questions among which one with a picture is looked for. */
const LOOKED_AT = 100;

interface Answered {
  readonly samples: readonly Sample[];
  readonly promptTokens: number;
}

/** What follows the server and the version in a request. */
type Asked = [probe: Probe, request: SampleRequest, count: number, signal: AbortSignal];

export class Fleet {
  readonly #options: FleetOptions;
  readonly #wire: Wire;
  readonly #versions: ServedVersions;
  readonly #servers: ReadonlyMap<Server, CheckedServer>;

  private constructor(
    options: FleetOptions,
    wire: Wire,
    servers: ReadonlyMap<Server, CheckedServer>,
    versions: ServedVersions,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#servers = servers;
    this.#versions = versions;
  }

  /** @throws InputError when a server does not fit the run. */
  static async open(
    context: Context,
    wire: Wire,
    options: FleetOptions,
    folders: VersionFolders,
    signal: AbortSignal,
  ): Promise<Fleet> {
    const own = { ...options, kind: wire.kind, headers: keyHeader(options) };
    const servers = options.urls.map((address) => new Server(address, own));
    const question = typical(context.questions);
    const probe = question && (await probeOf(context, question));
    const versions = new ServedVersions({
      wire,
      folders,
      idleSeconds: options.timeoutSeconds,
      checkAdapter: (server, adapter, ending) => checkTower(server, wire, adapter, probe, ending),
    });
    const check = async (server: Server): Promise<CheckedServer> => {
      const found = await wire.check(server, probe, signal);
      if (probe) await checkLogprobs(server, wire, probe, signal);
      return found;
    };
    const checked = await Promise.all(
      servers.map(async (server) => {
        const found = await withServer([server], options, signal, () => check(server));
        await withServer([server], options, signal, () => tryFirst(context, versions, server, signal));
        return [server, found] as const;
      }),
    );
    return new Fleet(options, wire, new Map(checked), versions);
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
    const asked = temperature === 0 ? 1 : count; // greedy samples are the same, and vLLM refuses several
    return withServer([...this.#servers.keys()], this.#options, signal, async (server) => {
      this.#refuseLong(server, probe, request);
      const weights = await context.weights(request.version);
      const served = await this.#versions.on(server, weights, signal);
      const answer = await this.#complete(server, served, probe, request, asked, signal).finally(served.release);
      refuseOtherPrompt(server, this.#wire, question, answer.promptTokens, probe.tokens);
      const found = await Promise.all(
        answer.samples.map(async (sample): Promise<Sample> => ({
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

  async #complete(server: Server, version: Version, ...rest: Asked): Promise<Completed> {
    try {
      return await this.#wire.complete(server, version, ...rest);
    } catch (error) {
      if (!(error instanceof LostVersionError)) throw error;
      this.#versions.forget(server);
      throw new PassingError(error.message);
    }
  }

  #refuseLong(server: Server, { tokens }: Probe, { params: { maxNewTokens } }: SampleRequest): void {
    const { maxTokens = Infinity } = this.#servers.get(server)!;
    const needed = tokens.length + maxNewTokens;
    if (needed > maxTokens)
      throw new SetupError(
        `${server.name} takes ${maxTokens} tokens, and a prompt of ${tokens.length} with a response of ${maxNewTokens} needs ${needed}: start it with ${this.#wire.flags.maxTokens} ${needed} or more`,
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

async function probeOf({ prompt, picture }: Pick<Context, 'prompt' | 'picture'>, question: Question): Promise<Probe> {
  const { tokens, text, ...turns } = await prompt(question);
  const pictures = await Promise.all(question.pictures.map(async (ref) => dataUrl(await picture(ref))));
  return { question, tokens, text, turns, pictures };
}
