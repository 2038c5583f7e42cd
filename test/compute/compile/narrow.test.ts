import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';
import { bodiesOf, readsOf, type Graph, type Node } from '../../../src/compute/compile/graph.ts';
import { peakBytes } from '../../../src/compute/compile/liveness.ts';
import type { Kernel } from '../../../src/compute/compile/kernel.ts';
import { narrow, type HasKernel } from '../../../src/compute/compile/narrow.ts';
import { tokenLogProb } from '../../../src/compute/compile/operators.ts';
import { trace } from '../../../src/compute/compile/trace.ts';
import { specsOf, type ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { makeAdapter } from '../../../src/compute/models/adapters.ts';
import { withAdapter } from '../../../src/compute/models/parameter-sets.ts';
import { grpo } from '../../../src/compute/objectives/grpo.ts';
import { planRollout, rolloutProgram } from '../../../src/compute/programs/rollout.ts';
import { gradProgram, updateProgram } from '../../../src/compute/training/step.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { tinyModel, tinyPrompt } from '../../support/tiny-model.ts';
import { CASES } from './cases.ts';
import './cases-fused.ts';
import './cases-shape.ts';
import { expectClose, forward, run, type Example } from './support.ts';

const every: HasKernel = () => true;
const adapter = makeAdapter(tinyModel, {
  type: 'lora',
  rank: 2,
  alpha: 4,
  targets: ['q_proj', 'v_proj', 'down_proj'],
  vision: false,
});
const adapted = withAdapter(tinyModel, adapter);

/** The program's graph with the model's own weights in files, as they are where they are attached. */
function attached(spec: ProgramSpec): Graph {
  const graph = trace(spec);
  for (const value of graph.inputs.splice(0)) {
    const file = { ...value, dtype: 'bfloat16', location: 'weights', offset: 0, length: 2 } as const;
    if (value.name in tinyModel.parameters) graph.externals.set(value.name, file);
    else graph.inputs.push(value);
  }
  return graph;
}

const gradient = gradProgram(
  adapted,
  { frozen: { ...tinyModel.parameters, ...specsOf(adapter.constants) }, trainable: adapter.trainable },
  { prompts: 2, samples: 2, promptLength: 8, responseLength: 8 },
  grpo.loss(learnSettings({ type: 'grpo' })),
);

const rollout = rolloutProgram(
  adapted,
  planRollout(adapted, {
    prompts: [tinyPrompt(1, 5)],
    promptLength: 8,
    samples: 3,
    newTokens: 4,
    params: { temperature: 0.7, topP: 0.9, topK: 0 },
    stopTokens: [1],
    uniforms: new Float32Array(12),
  }).shape,
);

const all = (graph: Graph): Node[] => graph.nodes.flatMap((node) => [node, ...bodiesOf(node).flatMap(all)]);
const floats = ({ types }: Node): string[] => types.map(({ dtype }) => dtype).filter((dtype) => /float/.test(dtype));
const typesOf = (graph: Graph, op: string): string[] => [
  ...new Set(
    all(graph)
      .filter((node) => node.op === op)
      .flatMap(floats),
  ),
];

describe('a narrow graph', () => {
  const [learner, sampler] = [
    narrow(attached(gradient), 'bfloat16', every),
    narrow(attached(rollout), 'bfloat16', every),
  ];

  it.each(['Gemm', 'FusedMatMul', 'RotaryEmbedding', 'QuickGelu', 'SimplifiedLayerNormalization', 'Transpose'])(
    'computes %s in 16 bits',
    (op) => expect([typesOf(learner, op), typesOf(sampler, op)]).toEqual([['bfloat16'], ['bfloat16']]),
  );

  it.each(['Softmax', 'LogSoftmax', 'Exp', 'Log', 'ReduceSumSquare', 'ReduceSum', 'CumSum', 'TopK', 'Reciprocal'])(
    'leaves %s in float32',
    (op) => {
      const types = [...typesOf(learner, op), ...typesOf(sampler, op)];
      expect(new Set(types)).toEqual(new Set(['float32']));
    },
  );

  it('takes and gives float32, and sums gradients in float32', () => {
    for (const graph of [learner, sampler])
      for (const { dtype } of [...graph.inputs, ...graph.outputs]) expect(dtype).toMatch(/float32|int32/);
    const adds = learner.nodes.filter(({ inputs }) => inputs.some((name) => name.startsWith('sum.')));
    expect(adds).toHaveLength(Object.keys(adapter.trainable).length);
    expect(adds.flatMap(floats).every((dtype) => dtype === 'float32')).toBe(true);
  });

  it('draws tokens from logits that are cast to float32 once', () => {
    const [loop] = sampler.nodes.filter(({ op }) => op === 'Loop');
    const [body] = bodiesOf(loop!);
    const logits = body!.nodes.filter(({ op, types }) => op === 'Gemm' && types[0]!.shape[1] === 24).at(-1)!;
    const readers = body!.nodes.filter((node) => readsOf(node).includes(logits.outputs[0]!));
    expect(readers.map(({ op, types }) => [op, types[0]!.dtype])).toEqual([['Cast', 'float32']]);
  });

  it('carries the caches through the loop in 16 bits, and casts adapters before it', () => {
    const [loop] = sampler.nodes.filter(({ op }) => op === 'Loop');
    const caches = loop!.types.filter(({ shape }) => shape.length === 4);
    expect(caches.map(({ dtype }) => dtype)).toEqual(Array(4).fill('bfloat16'));
    const [body] = bodiesOf(loop!);
    expect(body!.inputs.filter(({ shape }) => shape.length === 4).every(({ dtype }) => dtype === 'bfloat16')).toBe(
      true,
    );
    const casts = body!.nodes.filter(({ op, inputs }) => op === 'Cast' && inputs[0]!.includes('lora'));
    expect(casts).toEqual([]);
    expect(sampler.nodes.filter(({ op, inputs }) => op === 'Cast' && inputs[0]!.includes('lora_A'))).not.toEqual([]);
  });

  it('takes less memory', () => {
    expect(peakBytes(learner)).toBeLessThan(0.75 * peakBytes(attached(gradient)));
  });

  it('has a value of each name and type once', () => {
    for (const graph of [learner, sampler]) {
      const names = all(graph).flatMap(({ outputs }) => outputs);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

it('an optimizer step is left as it is', () => {
  const graph = trace(
    updateProgram(adapter.trainable, { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 }),
  );
  expect(narrow(graph, 'bfloat16', every).nodes).toEqual(graph.nodes);
});

describe('a node without a kernel in 16 bits', () => {
  const has = ({ op }: Kernel): boolean => op !== 'Transpose';

  it('computes in float32 between casts, and gives 16 bits to those that want them', () => {
    const graph = narrow(attached(gradient), 'bfloat16', has);
    expect(typesOf(graph, 'Transpose')).toEqual(['float32']);
    expect(typesOf(graph, 'FusedMatMul')).toEqual(['bfloat16']);
    expect(typesOf(graph, 'Reshape')).toContain('bfloat16');
  });
});

describe('a product of the loss', () => {
  const shapes = { logits: [4, 8], head: [8, 24] } as const;
  const spec = (weigh: (logProb: Tensor) => Tensor): ProgramSpec => ({
    name: 'loss',
    inputs: {
      rows: { dtype: 'float32', shape: [...shapes.logits] },
      head: { dtype: 'float32', shape: [...shapes.head] },
      ids: { dtype: 'int32', shape: [4] },
    },
    build: ({ rows, head, ids }) => {
      const { logProb } = tokenLogProb(tf.matMul<Tensor2D>(rows!, head!), ids as Tensor1D);
      return { loss: weigh(logProb) };
    },
  });

  it('stays in float32: one of log-probabilities and constants', () => {
    const triangle = (logProb: Tensor): Tensor =>
      tf.matMul(tf.reshape(logProb, [2, 2]), tf.tensor2d([1, 1, 0, 1], [2, 2]));
    const products = narrow(trace(spec(triangle)), 'bfloat16', every).nodes.filter(({ op }) => op === 'MatMul');
    expect(products.map(floats)).toEqual([['bfloat16'], ['float32']]);
  });
});

describe('on the processor', async () => {
  const [half, reference] = await Promise.all([
    createEngine('cpu', { threads: 1, compute: 'f16' }),
    createEngine('reference', { threads: 1 }),
  ]);
  afterAll(() => half[Symbol.asyncDispose]());

  /** The case over inputs that a product has made narrow; of one element they stay wide. */
  const fromProducts = ({ feeds, build }: Example): Example => ({
    feeds,
    build: (inputs) =>
      build(
        Object.fromEntries(
          Object.entries(inputs).map(([name, x]) => [
            name,
            x.dtype === 'float32' ? tf.reshape(tf.matMul(tf.reshape(x, [1, x.size]), tf.eye(x.size)), x.shape) : x,
          ]),
        ),
      ),
  });

  test.each(CASES)('$title runs in 16 bits', async ({ draw, gradient: check }) => {
    await fc.assert(
      fc.asyncProperty(draw, async (example) => {
        const spec = forward(fromProducts(example));
        const outputs = await run(half, spec, example.feeds);
        // What is piecewise constant may jump.
        if (check === 'numeric') expectClose(outputs, await run(reference, spec, example.feeds), 0.02);
      }),
      { seed: 7, numRuns: 3, endOnFailure: true },
    );
  });
});
