/**
 * One thread of pretraining: it draws and encodes its part of a batch and sums the gradient, or answers held-out
 * questions.
 */
import { workerData } from 'node:worker_threads';
import { kindOf, type Engine, type EngineName } from '../compute/engine/engine.ts';
import { createEngine } from '../compute/engine/engines.ts';
import { withNetwork, type Model } from '../compute/models/family.ts';
import { generate } from '../compute/rollout/generate.ts';
import { loadPromptEncoder } from '../compute/models/folder.ts';
import { planPolicy } from '../compute/programs/policy-forward.ts';
import { encodePrompt, type PromptEncoder } from '../compute/models/prompt.ts';
import { gradProgram, SUM } from '../compute/training/step.ts';
import { CROSS_ENTROPY } from '../compute/training/token-loss.ts';
import type { BuiltIn } from '../data/settings.ts';
import { drawFigure, parseKey } from '../data/figures/figure.ts';
import { f32, type HostTensor } from '../protocol/tensor.ts';
import { Layout } from './layout.ts';
import { microBatches, type EncodedExample, type MicroBatch } from './micro-batches.ts';
import type { Mixture, Recipe } from './recipe.ts';
import { RECIPES } from './recipes/table.ts';

/** The start data of a thread. */
export interface WorkerSetup {
  /** Holds config and tokenizer. */
  readonly folder: string;
  /** Whose recipe it is. */
  readonly data: BuiltIn;
  readonly engine: EngineName;
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
  readonly level?: number | undefined;
  readonly label: string;
  readonly answers: readonly (string | null)[];
}[];

const END = '<|im_end|>';
const MAX_ROWS = 320;

class Worker {
  private readonly recipe: Recipe;
  private readonly encoder: PromptEncoder;
  private readonly model: Model;
  private readonly engine: Engine;
  private readonly layout: Layout;
  /** Private copies: ONNX Runtime does not take shared memory. */
  private readonly weights: Float32Array;
  private readonly sums: Float32Array;

  private constructor(recipe: Recipe, encoder: PromptEncoder, model: Model, engine: Engine) {
    this.recipe = recipe;
    this.encoder = encoder;
    this.model = model;
    this.engine = engine;
    this.layout = new Layout(model.parameters);
    this.weights = new Float32Array(this.layout.size);
    this.sums = new Float32Array(this.layout.size);
  }

  static async start({ folder, data, engine }: WorkerSetup): Promise<Worker> {
    const encoder = await loadPromptEncoder(folder);
    const model = await withNetwork(encoder.model);
    const compute = kindOf(engine) === 'cuda' ? 'bf16' : 'f32';
    return new Worker(RECIPES[data], encoder, model, await createEngine(engine, { threads: 1, compute }));
  }

  async gradient(task: GradientTask): Promise<GradientReply> {
    const examples = Array.from({ length: task.count }, (_, i) => this.encode(task, task.start + i));
    this.weights.set(new Float32Array(task.weights));
    this.sums.fill(0);
    let loss = 0;
    for (const { part, lengths } of microBatches(examples, this.recipe.sizes)) loss += await this.add(part, lengths);
    new Float32Array(task.gradient).set(this.sums);
    return { loss, tokens: examples.reduce((sum, { response }) => sum + response.length, 0) };
  }

  private encode({ seed, mixture }: GradientTask, index: number): EncodedExample {
    const { figure, prompt, response } = this.recipe.example(index, seed, mixture);
    return {
      prompt: encodePrompt(this.encoder, { text: prompt, pictures: [drawFigure(figure)] }),
      response: this.encoder.tokenizer.encode(response + END),
    };
  }

  /** Adds the gradient of a micro-batch to the sums, and returns its summed loss. */
  private async add(part: readonly EncodedExample[], lengths: MicroBatch['lengths']): Promise<number> {
    const prompts = part.map(({ prompt }) => prompt);
    const responses = part.map(({ response }) => [response]);
    const { shape, feeds } = planPolicy(this.model, prompts, responses, lengths);
    const program = await this.engine.compile(
      gradProgram(this.model, { frozen: {}, trainable: this.model.parameters }, shape, CROSS_ENTROPY),
    );
    // Each token has weight 1, so that the sums of parts with different token counts add up.
    const outputs = await program.run({
      ...this.layout.view(this.weights),
      ...this.layout.view(this.sums, SUM),
      ...feeds,
      tokenWeights: feeds['responseMask'] ?? f32([0]),
    });
    const loss = outputs['loss'] as HostTensor;
    return loss.data[0] ?? Number.NaN;
  }

  async answer({ weights, start, count, samples }: AnswerTask): Promise<AnswerReply> {
    this.weights.set(new Float32Array(weights));
    const { dataset, labels } = this.recipe.heldOut();
    const questions = Array.from({ length: count }, (_, i) => dataset.question(start + i));
    const requests = questions.map(({ id, text, pictures: [ref] }) => {
      if (ref?.type !== 'figure') throw new TypeError(`question ${id} has no figure`);
      return { id, prompt: encodePrompt(this.encoder, { text, pictures: [drawFigure(parseKey(ref.key))] }) };
    });
    const { tokenizer } = this.encoder;
    const model = { engine: this.engine, model: this.model, weights: this.layout.view(this.weights) };
    const params = {
      samples,
      temperature: samples === 1 ? 0 : 1,
      topP: 1,
      topK: 0,
      maxNewTokens: this.recipe.words.maxNewTokens,
    };
    const groups = await generate(model, requests, {
      params,
      stopTokens: new Set(tokenizer.encode(END)),
      seed: 0,
      version: 0,
      maxRows: MAX_ROWS,
    });
    return questions.map(({ id, kind = '' }, i) => ({
      kind,
      level: labels.level?.(id),
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
