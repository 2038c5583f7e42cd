/**
 * A learner on a Tinker API server: the server has the adapter, its gradients and its moments; this process works out the
 * objective's numbers (advantages, importance weights, shares of tokens). After each step the server keeps the weights to
 * sample with and a state. After a step that fails half-way, or a lost session, a new session begins from the state of the
 * step's parent, so the step can be tried again.
 */
import { randomUUID } from 'node:crypto';
import type { LearnSettings } from '../../compute/objectives/settings.ts';
import type { Config } from '../../config/schema.ts';
import { checkSound } from '../../learn/soundness.ts';
import { serial } from '../../lib/serial.ts';
import { InputError, UnsupportedError } from '../../protocol/errors.ts';
import type { Batch } from '../../protocol/messages.ts';
import type { LearnReply, ModelLimits, PromptSource, WeightsRef } from '../../protocol/ports.ts';
import type { Learner } from '../learner.ts';
import type { PolicyOrigin } from '../policy.ts';
import { checkpointPath, readState, saveAdapter, writeState } from './adapter.ts';
import type { TinkerClient } from './client.ts';
import { lossOf, lossWords, type ServerLoss } from './loss.ts';
import { readsPictures } from './probe.ts';
import type { Prompts } from './prompts.ts';
import { Session, type ModelSettings } from './session.ts';
import { teach, type Teacher } from './teach.ts';
import { Versions } from './versions.ts';
import { capabilities, done, saved } from './wire.ts';

export interface TinkerLearnerOptions {
  readonly client: TinkerClient;
  /** Resolves once the model folder is read. */
  readonly prompts: Promise<Prompts>;
  readonly source: PromptSource;
  readonly model: ModelSettings;
  readonly settings: LearnSettings;
  readonly optimizer: Teacher['optimizer'];
  readonly timeouts: Pick<Config['timeouts'], 'openSeconds' | 'learnSeconds' | 'saveSeconds'>;
  readonly checkpoint?: PolicyOrigin['checkpoint'] | undefined;
}

export class TinkerLearner implements Learner {
  readonly prompts: PromptSource;
  readonly #options: TinkerLearnerOptions;
  readonly #loss: ServerLoss;
  readonly #versions: Versions;
  #limits: ModelLimits | undefined;
  #session: Session | undefined;
  /** Whether the session's model is the newest version's. */
  #isAtVersion = false;
  /** Sessions before it, whose versions may be sampled with. */
  #earlier: Session[] = [];
  /** One change of the trained model at a time. */
  readonly #turn = serial();
  #last: { readonly batchId: number; readonly reply: LearnReply } | undefined;
  #note: (text: string) => void = () => {};

  /** @throws InputError for settings that the server has no counterpart of. */
  constructor(options: TinkerLearnerOptions) {
    this.#options = options;
    this.prompts = options.source;
    this.#loss = lossOf(options.settings);
    this.#versions = new Versions((path) => void options.client.delete(checkpointPath(path)));
  }

  get limits(): ModelLimits | undefined {
    return this.#limits;
  }

  onNote(listener: (text: string) => void): void {
    this.#note = listener;
    listener(lossWords(this.#options.settings, this.#loss, this.#options.client.name));
  }

  async open(): Promise<{ readonly version: number }> {
    const { checkpoint, timeouts, client, model } = this.#options;
    const prompts = await this.#options.prompts;
    const version = checkpoint?.version ?? 0;
    const from = checkpoint && (await readState(checkpoint.folder, version));
    try {
      await refuseOtherModel(client, model.baseModel);
      const session = await this.#begin(from, timeouts.openSeconds);
      prompts.areRead = prompts.takesPictures && (await readsPictures(session, prompts, timeouts.openSeconds));
      this.#limits = { ...prompts.limits, pictures: prompts.areRead };
      await this.#store(version, timeouts.openSeconds);
      return { version };
    } catch (error) {
      throw error instanceof InputError ? error : refusedStart(error as Error);
    }
  }

  step(batch: Batch, signal?: AbortSignal): Promise<LearnReply> {
    return this.#turn(() => this.#step(batch, signal));
  }

  async #step(batch: Batch, signal?: AbortSignal): Promise<LearnReply> {
    const last = this.#last;
    if (last?.batchId === batch.id && last.reply.version.parent === batch.parent) return last.reply;
    const { current } = this.#versions;
    if (batch.parent !== current)
      throw new InputError(`batch ${batch.id} starts from version ${batch.parent}, but the newest is ${current}`);
    const started = performance.now();
    const { learnSeconds } = this.#options.timeouts;
    const session = await this.#atVersion(signal);
    this.#isAtVersion = false;
    const { settings, optimizer } = this.#options;
    const prompts = await this.#options.prompts;
    const teacher = { session, prompts, settings, optimizer, loss: this.#loss, seconds: learnSeconds };
    const learnt = await teach(teacher, batch, signal);
    const metrics = { ...learnt, seconds: (performance.now() - started) / 1_000 };
    if (batch.again !== true) checkSound(metrics);
    const n = batch.parent + 1;
    await this.#store(n, learnSeconds, signal);
    const reply: LearnReply = { version: { n, parent: batch.parent, batchId: batch.id, metrics }, metrics };
    this.#last = { batchId: batch.id, reply };
    return reply;
  }

  /** The server no longer has weights that it kept; the next request begins a new session. */
  lost(why: string): void {
    if (this.#session) this.#session.lost ??= why;
  }

  async publish(n: number): Promise<WeightsRef> {
    if (this.#session?.lost !== undefined && n === this.#versions.current) await this.#turn(() => this.#atVersion());
    const { weights } = this.#versions.get(n);
    const { client, timeouts } = this.#options;
    return {
      version: n,
      id: weights,
      size: 0,
      read: () => Promise.reject(new UnsupportedError('the weights are on the Tinker server: save them as a folder')),
      save: async (folder) => {
        await saveAdapter(client, this.#versions.get(n).weights, folder, timeouts.saveSeconds);
        return 'adapter';
      },
    };
  }

  async save(n: number, folder: string): Promise<void> {
    const { weights, state } = this.#versions.get(n);
    await saveAdapter(this.#options.client, weights, folder, this.#options.timeouts.saveSeconds);
    await writeState(folder, n, state);
    this.#versions.name(n);
  }

  restore(folder: string, from: number, as: number): Promise<void> {
    return this.#turn(async () => {
      const { openSeconds } = this.#options.timeouts;
      const state = await readState(folder, from);
      this.#isAtVersion = false;
      await this.#begin(state, openSeconds);
      await this.#store(as, openSeconds);
    });
  }

  retain(n: number): void {
    this.#versions.retain(n);
  }

  release(n: number): void {
    this.#versions.release(n);
    const over = this.#earlier.filter((session) => !this.#versions.has(session));
    this.#earlier = this.#earlier.filter((session) => !over.includes(session));
    for (const session of over) void session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#earlier, ...(this.#session ? [this.#session] : [])].map((session) => session.close()));
  }

  /** A session whose trained model is the newest version's. */
  async #atVersion(signal?: AbortSignal): Promise<Session> {
    const lost = this.#session?.lost;
    if (this.#session && this.#isAtVersion && lost === undefined) return this.#session;
    const { current } = this.#versions;
    const { learnSeconds } = this.#options.timeouts;
    this.#note(`${lost ?? 'a step failed half-way'}: a new session continues from version ${current}`);
    const session = await this.#begin(this.#versions.get(current).state, learnSeconds, signal);
    if (lost !== undefined) await this.#store(current, learnSeconds, signal); // its weights may be lost, too
    return session;
  }

  /** @param from the state to begin from; default: the base. */
  async #begin(from: string | undefined, seconds: number, signal?: AbortSignal): Promise<Session> {
    const before = this.#session;
    if (before && before.lost === undefined && this.#versions.has(before)) this.#earlier.push(before);
    else await before?.close();
    this.#session = undefined;
    const session = await Session.open(this.#options.client, this.#options.model, signal);
    this.#session = session;
    this.#isAtVersion = false;
    if (from !== undefined) {
      const body = { path: from, optimizer: true };
      await session.work({ doing: `loading ${from}`, path: '/load_weights', body, schema: done, signal }, seconds);
    }
    this.#isAtVersion = true;
    return session;
  }

  /** The server keeps what the trained model is now as version `n`. */
  async #store(n: number, seconds: number, signal?: AbortSignal): Promise<void> {
    const by = this.#session!;
    const keep = async (path: '/save_weights' | '/save_weights_for_sampler') => {
      // A name of its own each time: an earlier try may have used it.
      const body = { path: `v${n}-${randomUUID().slice(0, 8)}` };
      const request = { doing: `keeping version ${n}`, path, body, schema: saved, signal };
      return (await by.work(request, seconds)).path;
    };
    this.#versions.add(n, { by, state: await keep('/save_weights'), weights: await keep('/save_weights_for_sampler') });
    this.#isAtVersion = true;
  }
}

/** @throws InputError where the server lists its models, and this one is not among them. */
async function refuseOtherModel(client: TinkerClient, model: string): Promise<void> {
  const request = { doing: 'listing its models', path: '/get_server_capabilities', body: undefined, repeatable: true };
  const { supported_models } = await client.call({ ...request, schema: capabilities });
  const names = supported_models.flatMap(({ model_name }) => model_name ?? []);
  if (names.length > 0 && !names.includes(model))
    throw new InputError(
      `${client.name} has ${names.join(', ')}, not "${model}": set \`tinker.model\` to one of these`,
    );
}

function refusedStart({ message }: Error): InputError {
  return new InputError(
    `${message}: check \`tinker.url\`, \`tinker.model\` and the key in the variable that \`tinker.keyVariable\` names`,
  );
}
