/** One thread of pretraining: draws and encodes its part of a batch, and adds up the gradient of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Engine } from '../compute/engine.ts';
import { createEngine } from '../compute/engines.ts';
import type { ModelConfig } from '../compute/hf/config.ts';
import { loadConfig } from '../compute/hf/folder.ts';
import { planPolicy } from '../compute/model/policy-forward.ts';
import { weightSpecs } from '../compute/model/weights.ts';
import type { HostTensor } from '../protocol/tensor.ts';
import { ExampleEncoder } from './encode.ts';
import { exampleAt, type Mixture } from './examples.ts';
import { Layout } from './layout.ts';
import { gradientProgram } from './programs.ts';

/** What a thread is started with. */
export interface WorkerSetup {
  /** Holds config and tokenizer. */
  readonly folder: string;
}

export interface GradientTask {
  /** Flat weights, shared by all threads; not written while tasks run. */
  readonly weights: SharedArrayBuffer;
  /** Flat, this task's own: the summed gradient is left here. */
  readonly gradients: SharedArrayBuffer;
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

/** Longest prompt (in-context request) and response of the built-in examples, in tokens: one program serves all batches. */
const SHAPE = { promptLength: 46, responseLength: 28 } as const;

interface Warm {
  readonly config: ModelConfig;
  readonly engine: Engine;
  readonly encoder: ExampleEncoder;
  readonly layout: Layout;
  /** Private copy of the shared weights: ONNX Runtime does not take shared memory. */
  readonly weights: Float32Array;
}

let warm: Promise<Warm> | undefined;

async function start(): Promise<Warm> {
  const { folder } = workerData as WorkerSetup;
  const json = async (name: string): Promise<object> => JSON.parse(await readFile(join(folder, name), 'utf8')) as object;
  const config = await loadConfig(folder);
  const tokenizer = new Tokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
  const layout = new Layout(weightSpecs(config));
  const engine = await createEngine('cpu', { threads: 1 });
  return { config, engine, layout, encoder: new ExampleEncoder(tokenizer, config), weights: new Float32Array(layout.size) };
}

export default async function gradients(task: GradientTask): Promise<GradientReply> {
  const { config, engine, encoder, layout, weights } = await (warm ??= start());
  const examples = Array.from({ length: task.count }, (_, i) => encoder.encode(exampleAt(task.start + i, task.seed, task.mixture)));
  const { shape, feeds } = planPolicy(
    config,
    examples.map(({ prompt }) => prompt),
    examples.map(({ response }) => [response]),
    SHAPE,
  );
  const program = await engine.compile(gradientProgram(config, shape));
  weights.set(new Float32Array(task.weights));
  const outputs = (await program.run({ ...layout.view(weights), ...feeds })) as Record<string, HostTensor>;
  layout.pack(outputs, new Float32Array(task.gradients), 'gradient/');
  return { loss: outputs['loss']?.data[0] ?? Number.NaN, tokens: examples.reduce((sum, { response }) => sum + response.length, 0) };
}
