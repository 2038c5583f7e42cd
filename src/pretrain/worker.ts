/** One thread of pretraining: draws and encodes its part of a batch and adds up the gradient of it, or answers held-out questions. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Engine } from '../compute/engine.ts';
import { createEngine } from '../compute/engines.ts';
import { generate } from '../compute/generate.ts';
import type { ModelConfig } from '../compute/hf/config.ts';
import { loadConfig } from '../compute/hf/folder.ts';
import { planPolicy } from '../compute/model/policy-forward.ts';
import { weightSpecs } from '../compute/model/weights.ts';
import { gradProgram, SUM } from '../compute/train-programs.ts';
import { HELDOUT_POOL, openFigures } from '../data/figures/dataset.ts';
import { parseKey } from '../data/figures/figure.ts';
import { f32, type HostTensor } from '../protocol/tensor.ts';
import { ExampleEncoder } from './encode.ts';
import { exampleAt, type Mixture } from './examples.ts';
import { Layout } from './layout.ts';

/** What a thread is started with. */
export interface WorkerSetup {
  /** Holds config and tokenizer. */
  readonly folder: string;
}

export interface GradientTask {
  readonly type: 'gradient';
  /** Flat weights, shared by all threads; not written while tasks run. */
  readonly weights: SharedArrayBuffer;
  /** Flat, this task's own: the summed gradient is left here. */
  readonly gradient: SharedArrayBuffer;
  /** Examples `start .. start + count - 1`. */
  readonly start: number;
  readonly count: number;
  readonly seed: number;
  readonly mixture: Mixture;
}

export interface GradientReply {
  /** Cross-entropy summed over response tokens, in nats. */
  readonly loss: number;
  readonly tokens: number;
}

export interface AnswerTask {
  readonly type: 'answer';
  readonly weights: SharedArrayBuffer;
  /** Held-out questions `start .. start + count - 1`. */
  readonly start: number;
  readonly count: number;
  /** Samples a question; 1 is greedy. */
  readonly samples: number;
}

/** For each question its kind, the true answer, and what each sample put in its box. */
export type AnswerReply = readonly { readonly kind: string; readonly label: string; readonly answers: readonly (string | null)[] }[];

/** Longest prompt (in-context request) and response of the built-in examples, in tokens: one program serves all batches. */
const SHAPE = { promptLength: 46, responseLength: 28 } as const;

const MAX_NEW_TOKENS = 28;
const MAX_ROWS = 320;

class Worker {
  private readonly config: ModelConfig;
  private readonly engine: Engine;
  private readonly encoder: ExampleEncoder;
  private readonly layout: Layout;
  /** Private copies: ONNX Runtime does not take shared memory. */
  private readonly weights: Float32Array;
  private readonly sums: Float32Array;

  private constructor(config: ModelConfig, engine: Engine, encoder: ExampleEncoder) {
    this.config = config;
    this.engine = engine;
    this.encoder = encoder;
    this.layout = new Layout(weightSpecs(config));
    this.weights = new Float32Array(this.layout.size);
    this.sums = new Float32Array(this.layout.size);
  }

  static async start({ folder }: WorkerSetup): Promise<Worker> {
    const json = async (name: string): Promise<object> => JSON.parse(await readFile(join(folder, name), 'utf8')) as object;
    const config = await loadConfig(folder);
    const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
    return new Worker(config, await createEngine('cpu', { threads: 1 }), new ExampleEncoder(tokenizer, config));
  }

  async gradient(task: GradientTask): Promise<GradientReply> {
    const examples = Array.from({ length: task.count }, (_, i) => this.encoder.encode(exampleAt(task.start + i, task.seed, task.mixture)));
    const prompts = examples.map(({ prompt }) => prompt);
    const responses = examples.map(({ response }) => [response]);
    const { shape, feeds } = planPolicy(this.config, prompts, responses, SHAPE);
    const program = await this.engine.compile(gradProgram(this.config, shape, { type: 'sft' }));
    this.weights.set(new Float32Array(task.weights));
    this.sums.fill(0);
    // Every token weighs 1: sums, not means, so that the parts of a batch add up whatever their token counts.
    const outputs = await program.run({
      ...this.layout.view(this.weights),
      ...this.layout.view(this.sums, SUM),
      ...feeds,
      tokenWeights: feeds['responseMask'] ?? f32([0]),
    });
    new Float32Array(task.gradient).set(this.sums);
    const loss = outputs['loss'] as HostTensor;
    return { loss: loss.data[0] ?? Number.NaN, tokens: examples.reduce((sum, { response }) => sum + response.length, 0) };
  }

  async answer({ weights, start, count, samples }: AnswerTask): Promise<AnswerReply> {
    this.weights.set(new Float32Array(weights));
    const { dataset, labels } = openFigures(HELDOUT_POOL);
    const questions = Array.from({ length: count }, (_, i) => dataset.question(start + i));
    const requests = questions.map(({ id, text, pictures: [ref] }) => {
      if (ref?.type !== 'figure') throw new TypeError(`question ${id} has no figure`);
      return { id, prompt: this.encoder.prompt(text, parseKey(ref.key)) };
    });
    const model = { engine: this.engine, config: this.config, weights: this.layout.view(this.weights) };
    const params = { samples, temperature: samples === 1 ? 0 : 1, topP: 1, topK: 0, maxNewTokens: MAX_NEW_TOKENS };
    const groups = await generate(model, requests, { params, stopTokens: this.encoder.stopTokens, seed: 0, version: 0, maxRows: MAX_ROWS });
    return questions.map(({ id, kind = '' }, i) => ({
      kind,
      label: labels.label(id) ?? '',
      answers: (groups[i] ?? []).map(({ tokens }) => boxedNumber(this.encoder.decode(tokens))),
    }));
  }
}

/** Answers of this data set are whole numbers in one box: no need for the voter's extraction. */
function boxedNumber(text: string): string | null {
  return /\\boxed\{(\d+)\}/.exec(text)?.[1] ?? null;
}

let worker: Promise<Worker> | undefined;

export default async function handle(task: GradientTask | AnswerTask): Promise<GradientReply | AnswerReply> {
  const warm = await (worker ??= Worker.start(workerData as WorkerSetup));
  return task.type === 'gradient' ? warm.gradient(task) : warm.answer(task);
}
