/** Data-parallel supervised training: worker threads compute gradients of their parts of a batch, this thread updates the weights. */
import { Piscina } from 'piscina';
import type { Engine, Program } from '../compute/engine.ts';
import { createEngine } from '../compute/engines.ts';
import type { ModelConfig } from '../compute/hf/config.ts';
import { weightSpecs } from '../compute/model/weights.ts';
import { adamW, type Moments } from '../compute/optimizer.ts';
import { f32, type HostTensor, type TensorMap } from '../protocol/tensor.ts';
import type { Mixture } from './examples.ts';
import { Layout } from './layout.ts';
import { prefixed, updateProgram } from './programs.ts';
import { ADAMW } from './recipe.ts';
import type { GradientReply, GradientTask, WorkerSetup } from './worker.ts';

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
  /** Nats a response token. */
  readonly loss: number;
  readonly gradNorm: number;
}

export class Trainer implements AsyncDisposable {
  private readonly engine: Engine;
  private readonly update: Program;
  private readonly pool: Piscina;
  private readonly layout: Layout;
  private readonly shared: SharedArrayBuffer;
  private readonly parts: readonly SharedArrayBuffer[];
  private current: TrainState;

  private constructor(engine: Engine, update: Program, config: ModelConfig, setup: WorkerSetup, threads: number, state: TrainState) {
    this.engine = engine;
    this.update = update;
    this.layout = new Layout(weightSpecs(config));
    this.shared = new SharedArrayBuffer(4 * this.layout.size);
    this.parts = Array.from({ length: threads }, () => new SharedArrayBuffer(4 * this.layout.size));
    const fromSource = import.meta.url.endsWith('.ts');
    this.pool = new Piscina({
      filename: new URL(fromSource ? './worker.ts' : './worker.js', import.meta.url).href,
      execArgv: fromSource ? ['--import', 'tsx'] : [],
      minThreads: threads,
      maxThreads: threads,
      workerData: setup,
    });
    this.current = state;
  }

  static async start(config: ModelConfig, setup: WorkerSetup, threads: number, state: TrainState): Promise<Trainer> {
    const engine = await createEngine('cpu', { threads });
    return new Trainer(engine, await engine.compile(updateProgram(config, ADAMW)), config, setup, threads, state);
  }

  get state(): TrainState {
    return this.current;
  }

  /** One update on the next `batch` examples; a step's examples depend on its number only. */
  async step({ learningRate, mixture, seed, batch }: TrainStep): Promise<TrainMetrics> {
    const { weights, moments, step } = this.current;
    this.layout.pack(weights, new Float32Array(this.shared));
    const count = Math.ceil(batch / this.parts.length);
    const tasks = this.parts.map((gradients, part): GradientTask => {
      const start = Math.min(batch, part * count);
      return { weights: this.shared, gradients, start: step * batch + start, count: Math.min(count, batch - start), seed, mixture };
    });
    const replies = await Promise.all(tasks.map((task) => this.pool.run(task) as Promise<GradientReply>));
    const tokens = replies.reduce((sum, reply) => sum + reply.tokens, 0);
    const scalars = adamW.scalars(step + 1, learningRate, ADAMW);
    const outputs = (await this.update.run({
      ...prefixed('weight', weights),
      ...this.layout.view(this.meanGradient(tokens), 'gradient/'),
      ...prefixed('first', moments.first),
      ...prefixed('second', moments.second),
      ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, f32([], [value])])),
    })) as Record<string, HostTensor>;
    this.current = {
      weights: stripped(outputs, 'next/weight/'),
      moments: { first: stripped(outputs, 'next/first/'), second: stripped(outputs, 'next/second/') },
      step: step + 1,
    };
    return { loss: replies.reduce((sum, { loss }) => sum + loss, 0) / tokens, gradNorm: outputs['gradNorm']?.data[0] ?? Number.NaN };
  }

  private meanGradient(tokens: number): Float32Array {
    const [first, ...rest] = this.parts.map((part) => new Float32Array(part));
    const mean = Float32Array.from(first ?? []);
    for (const part of rest) for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + (part[i] as number);
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) / tokens;
    return mean;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.destroy();
    await this.engine[Symbol.asyncDispose]();
  }
}

function stripped(tensors: Readonly<Record<string, HostTensor>>, prefix: string): Record<string, HostTensor> {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}
