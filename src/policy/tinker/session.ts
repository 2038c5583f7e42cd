/**
 * A session on the server and its two models: the policy, which the run trains, and the untrained base, which the
 * session makes when a step first scores with it. Heartbeats keep the session; learner.ts replaces it when the server loses it or a step fails
 * half-way.
 */
import { RefusedError, type Request, type TinkerClient } from './client.ts';
import { created, done, passed, session, type Datum } from './wire.ts';

export interface ModelSettings {
  /** Name under which the server has the base. */
  readonly baseModel: string;
  readonly rank: number;
  readonly seed: number;
  readonly openSeconds: number;
}

const HEARTBEAT_MILLISECONDS = 10_000;
const UNLOAD_SECONDS = 5;
/** Sequences in one request: bounds its size. */
const PART = 64;

export class Session {
  readonly #client: TinkerClient;
  readonly #settings: ModelSettings;
  readonly #id: string;
  readonly #heart: NodeJS.Timeout;
  readonly #models: string[] = [];
  #trained = '';
  #reference: Promise<string> | undefined;
  #sequence = 0;
  /** Why the session is gone; undefined while it is there. */
  lost: string | undefined;

  private constructor(client: TinkerClient, settings: ModelSettings, id: string) {
    this.#client = client;
    this.#settings = settings;
    this.#id = id;
    this.#heart = setInterval(() => void this.#beat(), HEARTBEAT_MILLISECONDS).unref();
  }

  static async open(client: TinkerClient, settings: ModelSettings, signal?: AbortSignal): Promise<Session> {
    const body = { type: 'create_session', tags: ['quorum'], sdk_version: '0.38.0' };
    const doing = 'opening a session';
    const { session_id } = await client.call({
      doing,
      path: '/create_session',
      body,
      schema: session,
      signal,
      repeatable: true,
    });
    const own = new Session(client, settings, session_id);
    try {
      own.#trained = await own.#create('making the model', signal);
      return own;
    } catch (error) {
      await own.close();
      throw error;
    }
  }

  /** Asks for work on the trained model and waits for its result. */
  work<T>(request: Pick<Request<T>, 'doing' | 'schema' | 'signal'> & Step, seconds: number): Promise<T> {
    const { path, body, ...rest } = request;
    const numbered = { model_id: this.#trained, seq_id: (this.#sequence += 1), type: path.slice(1), ...body };
    return this.#client.result({ ...rest, path, body: numbered }, seconds);
  }

  /** log pi of the tokens of each sequence, under the trained model or the base. Nothing is learnt. */
  async forward(data: readonly Datum[], of: 'policy' | 'base', seconds: number, signal?: AbortSignal) {
    const doing = `scoring ${data.length} sequences`;
    const isBase = of === 'base';
    const model_id = isBase ? await this.#base(signal) : this.#trained;
    const logprobs: number[][] = [];
    for (const part of parts(data)) {
      const seq_id = isBase ? undefined : (this.#sequence += 1);
      const body = { model_id, seq_id, type: 'forward', forward_input: { data: part, loss_fn: 'cross_entropy' } };
      const request = { doing, path: '/forward', body, schema: passed, signal, repeatable: true };
      logprobs.push(...logprobsOf(part, (await this.#client.result(request, seconds)).loss_fn_outputs));
    }
    return logprobs;
  }

  /** Adds up gradients. @returns log pi of the tokens of each sequence before the update. */
  async forwardBackward(data: readonly Datum[], loss: object, seconds: number, signal?: AbortSignal) {
    const logprobs: number[][] = [];
    for (const part of parts(data)) {
      const body = { forward_backward_input: { data: part, ...loss } };
      const doing = `learning from ${part.length} responses`;
      const answer = await this.work({ doing, path: '/forward_backward', body, schema: passed, signal }, seconds);
      logprobs.push(...logprobsOf(part, answer.loss_fn_outputs));
    }
    return logprobs;
  }

  /** Ends the heartbeat and frees the models, as far as the server answers. */
  async close(): Promise<void> {
    clearInterval(this.#heart);
    const doing = 'freeing a model';
    await Promise.all(
      this.#models.map((model_id) => {
        const signal = AbortSignal.timeout(1_000 * UNLOAD_SECONDS);
        const body = { model_id, type: 'unload_model' };
        return this.#client.call({ doing, path: '/unload_model', body, schema: done, signal }).catch(() => {});
      }),
    );
  }

  async #create(doing: string, signal?: AbortSignal): Promise<string> {
    const { baseModel: base_model, rank, seed, openSeconds } = this.#settings;
    const body = {
      type: 'create_model',
      session_id: this.#id,
      model_seq_id: this.#models.length,
      base_model,
      lora_config: { rank, seed },
    };
    const answer = await this.#client.call({ doing, path: '/create_model', body, schema: created, signal });
    this.#models.push(answer.model_id);
    await this.#client.made({ doing, path: '/create_model', body, schema: done, signal }, answer, openSeconds);
    return answer.model_id;
  }

  #base(signal?: AbortSignal): Promise<string> {
    return (this.#reference ??= this.#create('making the untrained model', signal).catch((error: unknown) => {
      this.#reference = undefined;
      throw error;
    }));
  }

  async #beat(): Promise<void> {
    const body = { session_id: this.#id, type: 'session_heartbeat' };
    const signal = AbortSignal.timeout(HEARTBEAT_MILLISECONDS);
    const request = { doing: 'keeping the session', path: '/session_heartbeat', body, schema: done, signal };
    await this.#client.call(request).catch((error: unknown) => {
      if (error instanceof RefusedError) this.lost = error.message;
    });
  }
}

/** A request about the trained model. */
interface Step {
  readonly path: string;
  readonly body: object;
}

function parts(data: readonly Datum[]): (readonly Datum[])[] {
  return Array.from({ length: Math.ceil(data.length / PART) }, (_, i) => data.slice(i * PART, (i + 1) * PART));
}

/** The log-probabilities of the responses alone. */
function logprobsOf(data: readonly Datum[], outputs: readonly { readonly logprobs: { readonly data: number[] } }[]) {
  if (outputs.length !== data.length)
    throw new Error(`the server answered ${outputs.length} sequences for ${data.length}`);
  return data.map(({ loss_fn_inputs: { weights, target_tokens } }, i) => {
    const { data: all } = outputs[i]!.logprobs;
    if (all.length !== target_tokens!.data.length)
      throw new Error(`the server answered ${all.length} log-probabilities for ${target_tokens!.data.length} tokens`);
    return all.filter((_, t) => weights!.data[t] !== 0);
  });
}
