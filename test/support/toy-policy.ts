/**
 * A policy small enough to read: a table of logits, one row per question, one column per answer. It samples from the
 * softmax with seeded randomness and learns by the policy gradient, so a loop around it improves, or collapses, like
 * any other. `ToyFaults` injects delays and failures.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/data/rng.ts';
import { checkSound } from '../../src/learn/soundness.ts';
import { CancelledError, InputError } from '../../src/protocol/errors.ts';
import type { Batch, Question, Sample, StepMetrics } from '../../src/protocol/messages.ts';
import type { LearnReply, ModelLimits, SampleReply, SampleRequest, WeightsRef } from '../../src/protocol/ports.ts';
import type { Learner } from '../../src/policy/learner.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Sampler, WeightsOf } from '../../src/policy/sampler.ts';

/** The configuration's default of `learner.learningRate`. */
const DEFAULT_RATE = 5e-5;

type Table = Readonly<Record<string, readonly number[]>>;

/** Hooks around the work; each may wait or throw. */
export interface ToyFaults {
  readonly beforeSample?: (request: SampleRequest, signal?: AbortSignal) => Promise<void> | void;
  /** Each time that the weights of a published version are read. */
  readonly beforeRead?: (version: number) => Promise<void> | void;
  readonly beforeLearn?: (batch: Batch) => Promise<void> | void;
  /** Runs after the step; throwing here loses the reply. */
  readonly afterLearn?: (batch: Batch) => Promise<void> | void;
  readonly beforeSave?: (n: number) => Promise<void> | void;
  readonly afterSave?: (n: number) => Promise<void> | void;
  readonly beforeRestore?: (as: number) => Promise<void> | void;
  readonly afterRestore?: (as: number) => Promise<void> | void;
}

export interface ToyOptions {
  /** Number of answers to each question; an answer's text is its index. */
  readonly answers?: number;
  /** The toy's rate at the configuration's default rate; a changed configuration scales it in proportion. */
  readonly learningRate?: number;
  /** Logit by which the base prefers each question's right answer. */
  readonly edge?: number | ((text: string) => number);
  /** Checkpoint to resume from. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
  /** Folder with the weights of version 0. */
  readonly base?: string;
  readonly faults?: ToyFaults;
}

/** The right answer to a question, as its label would give it; determined by the text. */
export function toyAnswer(text: string, answers = 4): number {
  return new Random(0, 'answer', text).int(0, answers - 1);
}

export function toyQuestions(count: number, name = 'toy'): Question[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${name}-${i}`,
    text: `question ${i}`,
    pictures: [],
    origin: 'dataset',
    kind: i % 2 === 0 ? 'even' : 'odd',
  }));
}

/** First word of what the toy writes with each answer. */
export const TOY_KINDS = ['Which', 'What', 'Where', 'When'] as const;
const TOY_WORDS = ['red', 'green', 'blue', 'grey', 'small', 'large', 'round', 'square', 'first', 'last'] as const;

/** What the toy writes to a prompt that is whole (`verbatim`) and no plug-in's: its answer decides the kind of question. */
export function toyWriting(answer: number, from: string): string {
  const random = new Random(0, 'writing', from);
  const words = Array.from({ length: 3 }, () => random.pick(TOY_WORDS));
  return `${TOY_KINDS[answer % TOY_KINDS.length]!} thing here is ${words.join(' ')}?`;
}

export class ToyPolicy implements Policy, Learner {
  readonly #options: Required<Pick<ToyOptions, 'answers' | 'learningRate' | 'edge'>> & ToyOptions;
  readonly #weights = new Map<number, Table>();
  readonly #held = new Map<number, number>();
  #last: { readonly batch: Batch; readonly reply: LearnReply } | undefined;
  #current = 0;
  /** `parent:id` of each learner step, replays included; tests check on it that nothing is learnt twice. */
  readonly learnt: string[] = [];

  constructor(options: ToyOptions = {}) {
    this.#options = { answers: 4, learningRate: 2, edge: 0.7, ...options };
  }

  /** A response is one token: its answer. */
  get limits(): ModelLimits {
    return { vocabulary: this.#options.answers, context: 16 };
  }

  get current(): number {
    return this.#current;
  }

  /** Versions whose weights are in memory. */
  get kept(): readonly number[] {
    return [...this.#weights.keys()];
  }

  async open(): Promise<{ readonly version: number }> {
    const { checkpoint, base } = this.#options;
    const folder = checkpoint?.folder ?? base;
    this.#weights.set(checkpoint?.version ?? 0, folder === undefined ? {} : readTable(folder));
    this.#current = checkpoint?.version ?? 0;
    return { version: this.#current };
  }

  retain(n: number): void {
    if (!this.#weights.has(n)) throw new Error(`version ${n} is gone and cannot be retained`);
    this.#held.set(n, (this.#held.get(n) ?? 0) + 1);
  }

  release(n: number): void {
    const held = this.#held.get(n) ?? 0;
    if (held === 0) throw new Error(`version ${n} was released more often than retained`);
    this.#held.set(n, held - 1);
    this.#forget(n);
  }

  get learner(): Learner {
    return this;
  }

  get sampler(): Sampler {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      open: nothing,
      sample: (request, signal) => this.sample(request, signal),
      score: async ({ version, questions, params }, responses) =>
        responses.map((group, q) => {
          const p = softmax(this.#row(this.#weights.get(version)!, questions[q]!.text), params.temperature || 1);
          return group.map((tokens) => tokens.map((token) => Math.log(p[token]!)));
        }),
      [Symbol.asyncDispose]: nothing,
    };
  }

  /** A sampler elsewhere, which gets its weights as a remote one does. */
  static remote(weightsOf: WeightsOf, faults: ToyFaults = {}, options: Pick<ToyOptions, 'edge'> = {}): Sampler {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      open: nothing,
      async sample(request, signal) {
        const ref = await weightsOf(request.version);
        const policy = new ToyPolicy({ ...options, faults });
        policy.#weights.set(request.version, JSON.parse(Buffer.from(await ref.read()).toString()) as Table);
        return policy.sample(request, signal);
      },
      [Symbol.asyncDispose]: nothing,
    };
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const started = performance.now();
    if (!this.#weights.has(request.version))
      throw new InputError(`version ${request.version} is not published or was released`);
    // A thread's reply comes in a later turn of the event loop too.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#options.faults?.beforeSample?.(request, signal);
    if (signal?.aborted === true) throw new CancelledError('sampling was cancelled');
    const table = this.#weights.get(request.version);
    if (table === undefined) throw new Error(`version ${request.version} was released while it was sampled with`);
    const groups = request.questions.map((question) =>
      Array.from({ length: request.params.samples }, (_, i) => this.#draw(table, request, question, i)),
    );
    const newTokens = groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { groups, promptTokens: request.questions.length, newTokens, seconds: (performance.now() - started) / 1000 };
  }

  async publish(version: number): Promise<WeightsRef> {
    const table = this.#weights.get(version);
    if (table === undefined) throw new RangeError(`version ${version} is gone and cannot be published`);
    const bytes = Buffer.from(JSON.stringify(table));
    return {
      version,
      id: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
      read: async () => {
        await this.#options.faults?.beforeRead?.(version);
        return bytes;
      },
    };
  }

  async step(batch: Batch): Promise<LearnReply> {
    const last = this.#last;
    if (last !== undefined && last.batch.parent === batch.parent && last.batch.id === batch.id) return last.reply;
    if (batch.parent !== this.#current)
      throw new InputError(`batch ${batch.id} starts from version ${batch.parent}, but the newest is ${this.#current}`);
    await this.#options.faults?.beforeLearn?.(batch);
    const { table, metrics } = this.#stepped(batch);
    if (batch.again !== true) checkSound(metrics);
    const n = batch.parent + 1;
    this.#weights.set(n, table);
    this.#current = n;
    this.#forget(batch.parent);
    const reply: LearnReply = { version: { n, parent: batch.parent, batchId: batch.id, metrics }, metrics };
    this.#last = { batch, reply };
    this.learnt.push(`${batch.parent}:${batch.id}`);
    await this.#options.faults?.afterLearn?.(batch);
    return reply;
  }

  async save(n: number, folder: string): Promise<void> {
    const table = this.#weights.get(n);
    if (table === undefined) throw new Error(`version ${n} is gone and cannot be saved`);
    await this.#options.faults?.beforeSave?.(n);
    const parts = `${folder}.parts`;
    rmSync(parts, { recursive: true, force: true });
    mkdirSync(parts, { recursive: true });
    writeFileSync(join(parts, 'table.json'), JSON.stringify(table));
    rmSync(folder, { recursive: true, force: true });
    renameSync(parts, folder);
    await this.#options.faults?.afterSave?.(n);
  }

  async restore(folder: string, _: number, as: number): Promise<void> {
    await this.#options.faults?.beforeRestore?.(as);
    const table = readTable(folder);
    const previous = this.#current;
    this.#weights.set(as, table);
    this.#current = as;
    this.#forget(previous);
    await this.#options.faults?.afterRestore?.(as);
  }

  /** Probabilities of the answers to a question. */
  probabilities(text: string, n = this.#current): readonly number[] {
    return softmax(this.#row(this.#weights.get(n)!, text), 1);
  }

  weights(n = this.#current): string {
    return JSON.stringify(this.#weights.get(n));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#weights.clear();
  }

  #row(table: Table, text: string): readonly number[] {
    const { answers, edge } = this.#options;
    const known = typeof edge === 'number' ? edge : edge(text);
    return table[text] ?? Array.from({ length: answers }, (_, a) => (a === toyAnswer(text, answers) ? known : 0));
  }

  #draw(
    table: Table,
    { seed, version, params }: SampleRequest,
    { id, text, verbatim, origin }: Question,
    i: number,
  ): Sample {
    const writes = verbatim === true && origin !== 'plugin';
    const probabilities = softmax(this.#row(table, text), Math.max(params.temperature, 1e-6));
    const u = new Random(seed, 'toy', version, writes ? id : text, i).float();
    let below = 0;
    const found = probabilities.findIndex((p) => (below += p) > u);
    const answer =
      params.temperature === 0
        ? probabilities.indexOf(Math.max(...probabilities))
        : found === -1
          ? probabilities.length - 1
          : found;
    return {
      tokens: [answer],
      logprobs: [Math.log(probabilities[answer]!)],
      text: writes ? toyWriting(answer, `${id} ${i}`) : `\\boxed{${answer}}`,
      finish: 'stop',
    };
  }

  /** Ascends the mean over samples of advantage * pi/mu, group by group in the order of the batch. */
  #stepped(batch: Batch): { table: Table; metrics: StepMetrics } {
    const table: Record<string, readonly number[]> = { ...this.#weights.get(batch.parent) };
    const { learningRate } = this.#options;
    const rate =
      batch.settings === undefined ? learningRate : learningRate * (batch.settings.learningRate / DEFAULT_RATE);
    let entropy = 0;
    let ratios = 0;
    let samples = 0;
    for (const { group, verdict } of batch.groups) {
      const row = [...this.#row(table, group.question.text)];
      const p = softmax(row, batch.settings?.temperature ?? 1);
      group.samples.forEach(({ tokens, logprobs }, i) => {
        const answer = tokens[0]!;
        const ratio = p[answer]! / Math.exp(logprobs[0]!);
        const gain = (rate * ratio * verdict.advantages[i]!) / group.samples.length;
        for (let a = 0; a < row.length; a += 1) row[a]! += gain * ((a === answer ? 1 : 0) - p[a]!);
        ratios += ratio;
        samples += 1;
      });
      entropy -= p.reduce((sum, x) => sum + x * Math.log(x), 0);
      table[group.question.text] = row;
    }
    const metrics = {
      loss: 0,
      kl: 0,
      entropy: entropy / batch.groups.length,
      clipFraction: 0,
      ratio: ratios / samples,
      gradNorm: 1,
    };
    return { table, metrics: { ...metrics, learningRate: rate, tokens: samples, seconds: 0.001 } };
  }

  #forget(n: number): void {
    if (n !== this.#current && (this.#held.get(n) ?? 0) === 0) this.#weights.delete(n);
  }
}

function softmax(logits: readonly number[], temperature: number): number[] {
  const top = Math.max(...logits);
  const exps = logits.map((x) => Math.exp((x - top) / temperature));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
}

function readTable(folder: string): Table {
  const file = join(folder, 'table.json');
  if (!existsSync(file)) throw new InputError(`${file} is missing`);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Table;
  } catch (error) {
    throw new InputError(`${file} is not JSON: ${String(error)}`, { cause: error });
  }
}
