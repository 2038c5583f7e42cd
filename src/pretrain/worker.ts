/**
 * One thread of pretraining: it draws and encodes its part of a batch and sums the gradient, or answers held-out
 * questions.
 */
import { workerData } from 'node:worker_threads';
import type { Engine } from '../compute/engine/engine.ts';
import { createEngine } from '../compute/engine/engines.ts';
import { withNetwork, type Model } from '../compute/models/family.ts';
import { generate } from '../compute/rollout/generate.ts';
import { loadPromptEncoder } from '../compute/models/folder.ts';
import { planPolicy } from '../compute/programs/policy-forward.ts';
import { encodePrompt, type PromptEncoder } from '../compute/models/prompt.ts';
import { gradProgram, SUM } from '../compute/training/step.ts';
import { CROSS_ENTROPY } from '../compute/training/token-loss.ts';
import { HELDOUT_POOL, openFigures } from '../data/figures/dataset.ts';
import { drawFigure, parseKey } from '../data/figures/figure.ts';
import { f32, type HostTensor } from '../protocol/tensor.ts';
import { exampleAt, type Mixture } from './examples.ts';
import { Layout } from './layout.ts';

/** The start data of a thread. */
export interface WorkerSetup {
  /** Holds config and tokenizer. */
  readonly folder: string;
}

export interface GradientTask {
  readonly type: 'gradient';
  /** Flat weights, shared by all threads; not written while tasks run. */
  readonly weights: SharedArrayBuffer;
  /** Flat and owned by this task, which writes the summed gradient to it. */
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
  /** Samples per question; 1 is greedy. */
  readonly samples: number;
}

/** For each question its kind, the true answer, and the content of each sample's box. */
export type AnswerReply = readonly {
  readonly kind: string;
  readonly label: string;
  readonly answers: readonly (string | null)[];
}[];

/**
 * Longest prompt (in-context request) and response of the built-in examples, in tokens: one program serves all batches.
 */
const SHAPE = { promptLength: 46, responseLength: 28 } as const;

const END = '<|im_end|>';
const MAX_NEW_TOKENS = 28;
const MAX_ROWS = 320;

class Worker {
  private readonly encoder: PromptEncoder;
  private readonly model: Model;
  private readonly engine: Engine;
  private readonly layout: Layout;
  /** Private copies: ONNX Runtime does not take shared memory. */
  private readonly weights: Float32Array;
  private readonly sums: Float32Array;

  private constructor(encoder: PromptEncoder, model: Model, engine: Engine) {
    this.encoder = encoder;
    this.model = model;
    this.engine = engine;
    this.layout = new Layout(model.parameters);
    this.weights = new Float32Array(this.layout.size);
    this.sums = new Float32Array(this.layout.size);
  }

  static async start({ folder }: WorkerSetup): Promise<Worker> {
    const encoder = await loadPromptEncoder(folder);
    return new Worker(encoder, await withNetwork(encoder.model), await createEngine('cpu', { threads: 1 }));
  }

  async gradient(task: GradientTask): Promise<GradientReply> {
    const { tokenizer } = this.encoder;
    const examples = Array.from({ length: task.count }, (_, i) => exampleAt(task.start + i, task.seed, task.mixture));
    const prompts = examples.map(({ prompt, figure }) =>
      encodePrompt(this.encoder, { text: prompt, pictures: [drawFigure(figure)] }),
    );
    const responses = examples.map(({ response }) => [tokenizer.encode(response + END)]);
    const { shape, feeds } = planPolicy(this.model, prompts, responses, SHAPE);
    const program = await this.engine.compile(
      gradProgram(this.model, { frozen: {}, trainable: this.model.parameters }, shape, CROSS_ENTROPY),
    );
    this.weights.set(new Float32Array(task.weights));
    this.sums.fill(0);
    // Each token has weight 1, so that the sums of parts with different token counts add up.
    const outputs = await program.run({
      ...this.layout.view(this.weights),
      ...this.layout.view(this.sums, SUM),
      ...feeds,
      tokenWeights: feeds['responseMask'] ?? f32([0]),
    });
    new Float32Array(task.gradient).set(this.sums);
    const loss = outputs['loss'] as HostTensor;
    return { loss: loss.data[0] ?? Number.NaN, tokens: responses.flat(2).length };
  }

  async answer({ weights, start, count, samples }: AnswerTask): Promise<AnswerReply> {
    this.weights.set(new Float32Array(weights));
    const { dataset, labels } = openFigures(HELDOUT_POOL);
    const questions = Array.from({ length: count }, (_, i) => dataset.question(start + i));
    const requests = questions.map(({ id, text, pictures: [ref] }) => {
      if (ref?.type !== 'figure') throw new TypeError(`question ${id} has no figure`);
      return { id, prompt: encodePrompt(this.encoder, { text, pictures: [drawFigure(parseKey(ref.key))] }) };
    });
    const { tokenizer } = this.encoder;
    const model = { engine: this.engine, model: this.model, weights: this.layout.view(this.weights) };
    const params = { samples, temperature: samples === 1 ? 0 : 1, topP: 1, topK: 0, maxNewTokens: MAX_NEW_TOKENS };
    const groups = await generate(model, requests, {
      params,
      stopTokens: new Set(tokenizer.encode(END)),
      seed: 0,
      version: 0,
      maxRows: MAX_ROWS,
    });
    return questions.map(({ id, kind = '' }, i) => ({
      kind,
      label: labels.label(id) ?? '',
      answers: (groups[i] ?? []).map(({ tokens }) => boxedNumber(tokenizer.decode(tokens))),
    }));
  }
}

/** Extracts the box's number: answers of this data set are whole numbers in one box and need no voter's extraction. */
function boxedNumber(text: string): string | null {
  return /\\boxed\{(\d+)\}/.exec(text)?.[1] ?? null;
}

let worker: Promise<Worker> | undefined;

export default async function handle(task: GradientTask | AnswerTask): Promise<GradientReply | AnswerReply> {
  const warm = await (worker ??= Worker.start(workerData as WorkerSetup));
  return task.type === 'gradient' ? warm.gradient(task) : warm.answer(task);
}
