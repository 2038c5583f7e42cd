/**
 * Data-parallel supervised training: worker threads compute gradients of their parts of a batch, and this thread
 * updates the weights.
 */
import '../compute/engine/no-telemetry.ts';
import { Piscina } from 'piscina';
import type { Engine, Program } from '../compute/engine/engine.ts';
import { createEngine } from '../compute/engine/engines.ts';
import type { Architecture } from '../compute/models/family.ts';
import { adamW, type Moments } from '../compute/training/optimizer.ts';
import { threadEntry } from '../lib/thread-entry.ts';
import { FIRST, SECOND, SUM, updateProgram } from '../compute/training/step.ts';
import { f32, type HostTensor, type TensorMap } from '../protocol/tensor.ts';
import { withDeadline } from '../lib/deadline.ts';
import { Layout } from './layout.ts';
import { ADAMW, type Mixture } from './recipe.ts';
import type { AnswerReply, AnswerTask, GradientReply, GradientTask, WorkerSetup } from './worker.ts';

/**
 * Time limit, in seconds, of a thread's part of a batch or of an evaluation: many times the duration on the slowest
 * machine.
 */
const PART_SECONDS = 3600;

export interface TrainState {
  readonly weights: TensorMap;
  readonly moments: Moments;
  /** Updates done. */
  readonly step: number;
}

export interface TrainStep {
  readonly learningRate: number;
  readonly mixture: Mixture;
  readonly seed: number;
  readonly batch: number;
}

export interface TrainMetrics {
  /** Nats per response token. */
  readonly loss: number;
  /** Global norm of the mean gradient, before clipping. */
  readonly gradNorm: number;
}

export interface ParallelTrainerOptions {
  readonly model: Architecture;
  readonly setup: WorkerSetup;
  /** Threads that divide a batch; on a GPU one is enough. */
  readonly parts: number;
  /** Threads of the update, which the processor makes: the weights and moments are in its memory. */
  readonly threads: number;
}

export class ParallelTrainer implements AsyncDisposable {
  private readonly engine: Engine;
  private readonly program: Program;
  private readonly pool: Piscina;
  private readonly layout: Layout;
  /** The weights that the workers read. */
  private readonly shared: SharedArrayBuffer;
  /** One gradient per worker. */
  private readonly parts: readonly SharedArrayBuffer[];
  /** Updated in place. */
  private readonly weights: Float32Array;
  private readonly first: Float32Array;
  private readonly second: Float32Array;
  private readonly sums: Float32Array;
  private done: number;

  private constructor(
    engine: Engine,
    program: Program,
    { model, setup, parts }: ParallelTrainerOptions,
    state: TrainState,
  ) {
    this.engine = engine;
    this.program = program;
    this.layout = new Layout(model.parameters);
    this.weights = this.layout.pack(state.weights);
    this.first = this.layout.pack(state.moments.first);
    this.second = this.layout.pack(state.moments.second);
    this.sums = new Float32Array(this.layout.size);
    this.done = state.step;
    this.shared = new SharedArrayBuffer(this.weights.byteLength);
    this.parts = Array.from({ length: parts }, () => new SharedArrayBuffer(this.weights.byteLength));
    this.pool = new Piscina({
      ...threadEntry('./worker', import.meta.url),
      minThreads: parts,
      maxThreads: parts,
      idleTimeout: Infinity,
      workerData: setup,
    });
  }

  static async start(options: ParallelTrainerOptions, state: TrainState): Promise<ParallelTrainer> {
    const engine = await createEngine('cpu', { threads: options.threads });
    return new ParallelTrainer(
      engine,
      await engine.compile(updateProgram(options.model.parameters, ADAMW)),
      options,
      state,
    );
  }

  /** Updates done. */
  get step(): number {
    return this.done;
  }

  /** Returns views, which are valid until the next update. */
  get state(): TrainState {
    const { layout } = this;
    return {
      weights: layout.view(this.weights),
      moments: { first: layout.view(this.first), second: layout.view(this.second) },
      step: this.done,
    };
  }

  /** Does one update on the next `batch` examples; the examples of a step depend only on its number. */
  async update({ learningRate, mixture, seed, batch }: TrainStep): Promise<TrainMetrics> {
    this.publish();
    const count = Math.ceil(batch / this.parts.length);
    const replies = await Promise.all(
      this.parts.map((gradient, part): Promise<GradientReply> => {
        const from = Math.min(batch, part * count);
        const start = this.done * batch + from;
        const task: GradientTask = {
          type: 'gradient',
          weights: this.shared,
          gradient,
          start,
          count: Math.min(count, batch - from),
          seed,
          mixture,
        };
        return this.run<GradientReply>(task, `update ${this.done + 1}`);
      }),
    );
    const tokens = replies.reduce((sum, reply) => sum + reply.tokens, 0);
    this.meanGradient(tokens);
    const scalars = Object.entries(adamW.scalars(this.done + 1, learningRate, ADAMW));
    const outputs = await this.program.run({
      ...this.layout.view(this.weights),
      ...this.layout.view(this.first, FIRST),
      ...this.layout.view(this.second, SECOND),
      ...this.layout.view(this.sums, SUM),
      ...Object.fromEntries(scalars.map(([name, value]) => [name, f32([], [value])])),
    });
    this.done++;
    const gradNorm = outputs['gradNorm'] as HostTensor;
    return {
      loss: replies.reduce((sum, { loss }) => sum + loss, 0) / tokens,
      gradNorm: gradNorm.data[0] ?? Number.NaN,
    };
  }

  /** Answers the first `questions` held-out questions, `samples` times each (1: greedy). */
  async answer(questions: number, samples: number): Promise<AnswerReply> {
    this.publish();
    const count = Math.ceil(questions / this.parts.length);
    const replies = await Promise.all(
      this.parts.map((_, part): Promise<AnswerReply> => {
        const start = Math.min(questions, part * count);
        const task: AnswerTask = {
          type: 'answer',
          weights: this.shared,
          start,
          count: Math.min(count, questions - start),
          samples,
        };
        return this.run<AnswerReply>(task, `answering after update ${this.done}`);
      }),
    );
    return replies.flat();
  }

  private run<Reply>(task: GradientTask | AnswerTask, doing: string): Promise<Reply> {
    return withDeadline(doing, PART_SECONDS, undefined, () => this.pool.run(task) as Promise<Reply>);
  }

  private publish(): void {
    new Float32Array(this.shared).set(this.weights);
  }

  private meanGradient(tokens: number): void {
    const parts = this.parts.map((part) => new Float32Array(part));
    for (let i = 0; i < this.sums.length; i++) {
      let sum = 0;
      for (const part of parts) sum += part[i] as number;
      this.sums[i] = sum / tokens;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.destroy();
    await this.engine[Symbol.asyncDispose]();
  }
}
