/**
 * A sampler whose jobs workers on other machines do, behind the interface of the local one. Jobs go out as leases while
 * a worker can take them; otherwise the daemon's own sampler does them. Messages travel through NATS, weights and files
 * over HTTP (blobs.ts). Only the daemon's store decides what is done: it hands out again a lease that the broker loses,
 * and counts once a group that the broker delivers twice.
 */
import { constants } from 'node:buffer';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Config } from '../config/schema.ts';
import type { Workers } from '../policy/policy.ts';
import type { Sampler, WeightsOf } from '../policy/sampler.ts';
import { decode, encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import type { ModelLimits, ModelText, SampledReply, SampleRequest, WeightsRef } from '../protocol/ports.ts';
import type { WorkerStatus } from '../protocol/status.ts';
import { Blobs, type Content } from './blobs.ts';
import { addressTowards, connectTo, watchConnection } from './connection.ts';
import { examine } from './examine.ts';
import { Leases } from './leases.ts';
import { canTravel, makeLease, WeightHashes } from './make-lease.ts';
import { Members } from './members.ts';
import { listModel } from './model-files.ts';
import { PassLeases } from './pass-leases.ts';
import { ANY_WORKER, makeQueues, namesOf, publish, queuesOf, takeGroups, workerOf, type Queues } from './queues.ts';
import { beatSchema, hashOf, keyOf, read, type Blob, type Orders, type PolicySetup, type Setup } from './wire.ts';

export interface ClusterOptions {
  readonly cluster: Config['cluster'] & { readonly nats: string };
  /** Folder of the base model. */
  readonly model: string;
  readonly policy: PolicySetup;
  readonly runFolder: string;
  readonly own: Sampler;
  readonly weightsOf: WeightsOf;
  /** Known once the learner is open. */
  readonly limits: () => ModelLimits | undefined;
  /** Absent where the policy has no model folder. */
  readonly tokenizer?: ModelText['tokenizer'];
}

/** Longest pull of groups; the client begins another when it hears nothing from the server for half of it. */
const GROUPS_MILLISECONDS = 2_000;
const TICK_MILLISECONDS = 500;
const REST_MILLISECONDS = 500;

export class ClusterSampler implements Sampler, Workers {
  readonly #options: ClusterOptions;
  readonly #blobs = new Blobs();
  readonly #members = new Members();
  readonly #leases: Leases;
  readonly #hashes = new WeightHashes();
  /** Lends the learner's passes. */
  readonly passes: PassLeases;
  readonly #closed = new AbortController();
  #connection: NatsConnection | undefined;
  #queues: Queues | undefined;
  #setup: Setup | undefined;
  #note: (text: string) => void = () => {};
  #isSizeNoted = false;
  #loops: readonly Promise<void>[] = [];
  /** Milliseconds of `performance.now` from when on workers can be heard; Infinity while NATS is away. */
  #hearsSince = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#leases = new Leases({
      own: (request, signal) => options.own.sample(request, signal),
      publish: (lease) => publish(this.#queues!, namesOf(options.cluster.name).jobsSubject, encode(lease)),
      isParked: (worker) => this.#members.isParked(worker),
      examine: (given) => examine(given, { ...options, limits: options.limits(), members: this.#members }),
      park: (worker, why) => this.#park(worker, why),
      countGroups: (worker, groups) => this.#members.countGroups(worker, groups),
      note: (text) => this.#note(text),
    });
    this.passes = new PassLeases({
      cluster: options.cluster,
      blobs: this.#blobs,
      members: this.#members,
      hashes: this.#hashes,
      setup: () => this.#setup?.id,
      park: (worker, why) => this.#park(worker, why),
      note: (text) => this.#note(text),
    });
  }

  async open(): Promise<void> {
    const { cluster, own, model, policy } = this.#options;
    const files = await listModel(model);
    this.#setup = { id: hashOf([files, policy]), model: [...files], policy };
    for (const file of files) this.#blobs.hold(file, { path: join(model, file.name) });
    const inbox = namesOf(cluster.name).daemonInbox;
    this.#connection = await connectTo(cluster.nats, { name: `quorum-daemon-${cluster.name}`, inbox });
    await this.#refuseRival(this.#connection);
    this.#queues = await queuesOf(this.#connection);
    await makeQueues(this.#queues, cluster.name, cluster.leaseSeconds);
    // An earlier process no longer waits for its leases; this one asks for the same jobs again.
    await this.#queues.manager.streams.purge(namesOf(cluster.name).jobs);
    await this.#blobs.listen(cluster.host ?? (await addressTowards(cluster.nats)), cluster.port);
    await own.open();
    this.#listen(this.#connection);
    this.passes.listen(this.#connection);
    this.#loops = [this.#takeGroups(), this.#tick(), this.#watch(this.#connection)];
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampledReply> {
    const setup = this.#setup;
    if (!setup || !this.#members.can('sampler', setup.id)) return this.#options.own.sample(request, signal);
    const { weightsOf, cluster } = this.#options;
    const ref = await weightsOf(request.version);
    if (!canTravel(ref)) {
      this.#noteSize(ref);
      return this.#options.own.sample(request, signal);
    }
    const held: Blob[] = [];
    const hold = (blob: Blob, content: Content): void => {
      this.#blobs.hold(blob, content);
      held.push(blob);
    };
    try {
      const weights = await this.#hashes.of(ref);
      hold(weights, { read: () => ref.read() });
      const lease = await makeLease(request, { setup: setup.id, seconds: cluster.leaseSeconds, weights }, hold);
      const reply = await this.#leases.sample(lease, request, signal);
      // Only the loop asks for the reference, and only the loop stores.
      if (request.reference !== true) reply.stored?.();
      return reply;
    } finally {
      for (const blob of held) this.#blobs.release(blob);
    }
  }

  #noteSize({ size }: WeightsRef): void {
    if (this.#isSizeNoted) return;
    this.#isSizeNoted = true;
    this.#note(
      `a version has ${(size / 1e9).toFixed(1)} GB of weights, and workers take ${(constants.MAX_LENGTH / 1e9).toFixed(1)} GB at most: the daemon samples by itself; train an adapter (\`learner.adapter.type\` lora)`,
    );
  }

  score(...given: Parameters<NonNullable<Sampler['score']>>): ReturnType<NonNullable<Sampler['score']>> {
    const { own } = this.#options;
    if (!own.score) throw new InputError('the sampler of this machine cannot score responses');
    return own.score(...given);
  }

  onNote(listener: (text: string) => void): void {
    this.#note = listener;
    this.#options.own.onNote?.(listener);
  }

  list(): readonly WorkerStatus[] {
    return this.#members.list(this.#setup?.id ?? '');
  }

  drain(name: string): void {
    if (this.#members.drain(name)) return;
    const names = [...new Set(this.list().flatMap((each) => (each.state === 'left' ? [] : [each.name])))];
    throw new InputError(`no worker has the name "${name}"; the workers are: ${names.join(', ') || 'none'}`);
  }

  #park(worker: string, why: string): void {
    const name = this.#members.park(worker, why);
    if (name !== undefined) this.#note(`worker ${name} is parked: ${why}`);
  }

  /** @throws InputError when another daemon has the cluster. */
  async #refuseRival(connection: NatsConnection): Promise<void> {
    const { daemon } = namesOf(this.#options.cluster.name);
    const reply = await connection.request(daemon, undefined, { timeout: 1_000 }).catch(() => undefined);
    if (!reply) return;
    throw new InputError(
      `another daemon (run folder ${String(decode(reply.data))}) has the cluster "${this.#options.cluster.name}": set another \`cluster.name\``,
    );
  }

  #listen(connection: NatsConnection): void {
    const { beats, daemon } = namesOf(this.#options.cluster.name);
    connection.subscribe(daemon, {
      callback: (_, message) => void message.respond(encode(this.#options.runFolder)),
    });
    connection.subscribe(beats(ANY_WORKER), {
      callback: (error, message) => {
        if (error) return;
        try {
          const beat = read(beatSchema, message.data, 'a beat');
          if (message.subject !== beats(keyOf(beat))) return;
          message.respond(encode(this.#ordersFor(beat)));
        } catch (cause) {
          this.#note(`a worker's beat cannot be read: ${(cause as Error).message}`);
        }
      },
    });
  }

  async #watch(connection: NatsConnection): Promise<void> {
    const reason = await watchConnection(connection, this.#options.cluster.nats, (text, isLost) => {
      this.#hearsSince = isLost ? Infinity : performance.now();
      this.#note(text);
    });
    if (reason) this.#note(`${reason.message}; until then the daemon samples by itself`);
  }

  #ordersFor(beat: Parameters<Members['beat']>[0]): Orders {
    const { order, why, news } = this.#members.beat(beat);
    if (news !== undefined) this.#note(`worker ${beat.name} on ${beat.host} ${news}`);
    this.#leases.held(beat.holds);
    this.passes.held(keyOf(beat), beat.holds);
    const setup = this.#setup!;
    return {
      order,
      ...(why !== undefined && { why }),
      blobs: { url: this.#blobs.url, token: this.#blobs.token },
      ...(order !== 'wait' && beat.setup !== setup.id && { setup }),
    };
  }

  /** Takes groups from their queue, and continues after the server was away. */
  async #takeGroups(): Promise<void> {
    const { cluster } = this.#options;
    while (!this.#closed.signal.aborted) {
      try {
        const consumer = await takeGroups(this.#queues!, cluster.name);
        const messages = await consumer.consume({
          max_messages: 256,
          expires: GROUPS_MILLISECONDS,
          abort_on_missing_resource: true,
        });
        const stop = (): void => messages.stop();
        this.#closed.signal.addEventListener('abort', stop);
        try {
          for await (const message of messages) this.#leases.take(message, workerOf(message.subject));
        } finally {
          this.#closed.signal.removeEventListener('abort', stop);
        }
      } catch {
        // The server or its streams are away; #tick makes what is missing.
      }
      await this.#rest(REST_MILLISECONDS);
    }
  }

  /** Takes leases back when no worker is left, and hands out again those that the broker lost. */
  async #tick(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.#rest(TICK_MILLISECONDS);
      for (const { name, host } of this.#members.fallenSilent(this.#hearsSince))
        this.#note(`worker ${name} on ${host} is silent: its jobs go to others`);
      this.passes.tick();
      if (this.#leases.size === 0) continue;
      if (!this.#members.can('sampler', this.#setup!.id)) this.#leases.takeBack();
      else await this.#again().catch(() => {}); // without the server the next tick tries again
    }
  }

  async #again(): Promise<void> {
    const { name, leaseSeconds } = this.#options.cluster;
    const silent = this.#leases.silent(2 * leaseSeconds);
    if (silent.length === 0) return;
    await makeQueues(this.#queues!, name, leaseSeconds);
    const { state } = await this.#queues!.manager.streams.info(namesOf(name).jobs);
    if (state.messages > 0) return; // they wait for a worker
    for (const id of silent) this.#leases.again(id);
  }

  /** Ends early at the close. */
  async #rest(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#closed.signal }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#connection?.close();
    await Promise.all(this.#loops);
    await this.#blobs[Symbol.asyncDispose]();
    await this.#options.own[Symbol.asyncDispose]();
  }
}
