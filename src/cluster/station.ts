/** What a worker works with under one setup of the daemon: the model, its versions, the pictures of a lease. */
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Gradients } from '../policy/helpers.ts';
import { openForGradients, openForSampling, type PolicyConfig } from '../policy/local/open.ts';
import type { Sampler, WeightsOf } from '../policy/sampler.ts';
import { InputError, WorkerError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import type { PassGradient } from '../protocol/passes.ts';
import type { SampleReply, WeightsRef } from '../protocol/ports.ts';
import { fetchBytes, type BlobSource } from './download.ts';
import { fetchModel } from './model-files.ts';
import type { PictureCache } from './pictures.ts';
import {
  gradientRequestSchema,
  read,
  type Blob,
  type Lease,
  type PassLease,
  type Role,
  type Setup,
  type WireRequest,
} from './wire.ts';

export interface StationOptions {
  readonly setup: Setup;
  readonly cache: string;
  /** Of the worker. */
  readonly name: string;
  readonly roles: readonly Role[];
  readonly devices: readonly Config['workers']['engine'][];
  readonly source: () => BlobSource;
  readonly pictures: PictureCache;
  /** In place of the engine, for tests and measurements without one. */
  readonly open?: ((setup: Setup, weightsOf: WeightsOf) => Promise<Sampler>) | undefined;
  /** Changes the gradients of the engine, for tests. */
  readonly alter?: ((gradient: PassGradient) => PassGradient) | undefined;
}

/** Versions of which it remembers where the weights are. */
const REMEMBERED = 8;

export class Station implements AsyncDisposable {
  readonly #options: StationOptions;
  /** By version, as the newest lease of the version names them. */
  readonly #weights = new Map<number, Lease['weights']>();
  #sampler: Sampler | undefined;
  #gradients: Gradients | undefined;
  #isClosed = false;
  /** Version that it worked with last. */
  version: number | null = null;

  constructor(options: StationOptions) {
    this.#options = options;
  }

  get setup(): Setup {
    return this.#options.setup;
  }

  get isOpen(): boolean {
    const { roles } = this.#options;
    return roles.every((role) => (role === 'sampler' ? this.#sampler : this.#gradients) !== undefined);
  }

  async open(): Promise<void> {
    const { open, setup, roles } = this.#options;
    const weightsOf: WeightsOf = (version) => Promise.resolve(this.#ref(version));
    refuseModule(setup, roles);
    let model: Promise<string> | undefined;
    const config = async (): Promise<PolicyConfig> => this.#config(await (model ??= this.#fetchModel()));
    if (roles.includes('sampler'))
      this.#sampler = await (open ? open(setup, weightsOf) : openForSampling(await config(), weightsOf));
    if (roles.includes('learner')) this.#gradients = await openForGradients(await config());
    if (this.#isClosed) await this.#close();
  }

  #fetchModel(): Promise<string> {
    const { setup, source, cache, name } = this.#options;
    return fetchModel(source, setup.model, cache, name);
  }

  #config(model: string): PolicyConfig {
    const { setup, cache, devices } = this.#options;
    const all = [...devices] as Exclude<Config['workers']['rollout'], 'auto'>;
    const workers = { ...setup.policy.workers, engine: devices[0]!, rollout: all, learner: all, memoryGigabytes: null };
    return { ...setup.policy, model, workers, runFolder: join(cache, 'no-run') };
  }

  /** @throws RangeError when the daemon no longer needs the lease, InputError as the sampler. */
  async sample({ request, weights, pictures }: Lease): Promise<SampleReply> {
    const { pictures: cache, source } = this.#options;
    try {
      await cache.hold(source, pictures);
      if (!this.#sampler) throw new WorkerError('the worker got another setup');
      const questions = request.questions.map((question) => this.#question(question));
      const { reference = false, ...rest } = request;
      // The sampler asks for the weights of the version as it is called, before another lease can name others.
      this.#weights.delete(request.version);
      this.#weights.set(request.version, weights);
      const reply = await this.#sampler.sample({ ...rest, questions, reference });
      this.version = request.version;
      for (const old of this.#weights.keys()) if (this.#weights.size > REMEMBERED) this.#weights.delete(old);
      return reply;
    } finally {
      cache.release(pictures);
    }
  }

  /** @throws RangeError when the daemon no longer needs the lease, InputError for a pass that it cannot read. */
  async gradient({ version, weights, pictures, request: blob }: PassLease): Promise<PassGradient> {
    const { pictures: cache, source, alter } = this.#options;
    try {
      await cache.hold(source, pictures);
      if (!this.#gradients) throw new WorkerError('the worker got another setup');
      const { groups, ...rest } = read(gradientRequestSchema, await fetchBytes(source, blob), 'a pass of the daemon');
      const local = groups.map((group) => ({ ...group, question: this.#question(group.question) }));
      const gradient = await this.#gradients.gradient(this.#refOf(version, weights), { ...rest, groups: local });
      this.version = version;
      return alter ? alter(gradient) : gradient;
    } finally {
      cache.release(pictures);
    }
  }

  /** Where a question comes from changes nothing here, and the daemon does not say it. */
  #question({ verbatim, ...question }: WireRequest['groups'][number]['question']): Question {
    const pictures = question.pictures.map((ref) => this.#options.pictures.local(ref));
    return { ...question, pictures, origin: 'dataset', ...(verbatim && { verbatim }) };
  }

  #ref(version: number): WeightsRef {
    const blob = this.#weights.get(version);
    if (!blob) throw new RangeError(`no lease names version ${version}`);
    return this.#refOf(version, blob);
  }

  #refOf(version: number, blob: Blob): WeightsRef {
    return { version, id: blob.sha, size: blob.size, read: () => fetchBytes(this.#options.source, blob) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    const [sampler, gradients] = [this.#sampler, this.#gradients];
    [this.#sampler, this.#gradients] = [undefined, undefined];
    await sampler?.[Symbol.asyncDispose]();
    await gradients?.[Symbol.asyncDispose]();
  }
}

/** A module is a file that the daemon names: a worker does not run it. @throws InputError */
function refuseModule({ policy }: Setup, roles: readonly Role[]): void {
  if (!roles.includes('learner') || policy.learner.objective.type !== 'module') return;
  throw new InputError(
    "the run's `learner.objective` is a module, whose code a worker does not have: start the worker with --roles sampler",
  );
}
