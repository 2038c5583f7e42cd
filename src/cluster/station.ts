/** What a worker samples with under one setup of the daemon: the model, its versions, the pictures of a lease. */
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { openForSampling } from '../policy/local/open.ts';
import type { Sampler, WeightsOf } from '../policy/sampler.ts';
import { WorkerError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import type { SampleReply, WeightsRef } from '../protocol/ports.ts';
import { fetchBytes, type BlobSource } from './download.ts';
import { fetchModel } from './model-files.ts';
import type { PictureCache } from './pictures.ts';
import type { Lease, Setup } from './wire.ts';

export interface StationOptions {
  readonly setup: Setup;
  readonly cache: string;
  /** Of the worker. */
  readonly name: string;
  readonly devices: readonly Config['workers']['engine'][];
  readonly source: () => BlobSource;
  readonly pictures: PictureCache;
  /** In place of the engine, for tests and measurements without one. */
  readonly open?: ((setup: Setup, weightsOf: WeightsOf) => Promise<Sampler>) | undefined;
}

/** Versions of which it remembers where the weights are. */
const REMEMBERED = 8;

export class Station implements AsyncDisposable {
  readonly #options: StationOptions;
  /** By version, as the newest lease of the version names them. */
  readonly #weights = new Map<number, Lease['weights']>();
  #sampler: Sampler | undefined;
  #isClosed = false;
  /** Version that it sampled with last. */
  version: number | null = null;

  constructor(options: StationOptions) {
    this.#options = options;
  }

  get setup(): Setup {
    return this.#options.setup;
  }

  get isOpen(): boolean {
    return this.#sampler !== undefined;
  }

  async open(): Promise<void> {
    const { open, setup } = this.#options;
    const weightsOf: WeightsOf = (version) => Promise.resolve(this.#ref(version));
    const sampler = await (open ? open(setup, weightsOf) : this.#openHere(weightsOf));
    if (this.#isClosed) await sampler[Symbol.asyncDispose]();
    else this.#sampler = sampler;
  }

  async #openHere(weightsOf: WeightsOf): Promise<Sampler> {
    const { setup, source, cache, name, devices } = this.#options;
    const model = await fetchModel(source, setup.model, cache, name);
    const rollout = [...devices] as Exclude<Config['workers']['rollout'], 'auto'>;
    const workers = { ...setup.policy.workers, engine: devices[0]!, rollout, memoryGigabytes: null };
    return openForSampling({ ...setup.policy, model, workers, runFolder: join(cache, 'no-run') }, weightsOf);
  }

  /** @throws RangeError when the daemon has no use for the lease any more, InputError as the sampler. */
  async sample({ request, weights, pictures }: Lease): Promise<SampleReply> {
    const { pictures: cache, source } = this.#options;
    try {
      await cache.hold(source, pictures);
      if (!this.#sampler) throw new WorkerError('the worker got another setup');
      const questions = request.questions.map(({ verbatim, ...question }): Question => {
        const local = question.pictures.map((ref) => cache.local(ref));
        // Where a question comes from changes no sample, and the daemon does not say it.
        return { ...question, pictures: local, origin: 'dataset', ...(verbatim && { verbatim }) };
      });
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

  #ref(version: number): WeightsRef {
    const blob = this.#weights.get(version);
    if (!blob) throw new RangeError(`no lease names version ${version}`);
    return { version, id: blob.sha, size: blob.size, read: () => fetchBytes(this.#options.source, blob) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const sampler = this.#sampler;
    this.#sampler = undefined;
    await sampler?.[Symbol.asyncDispose]();
  }
}
