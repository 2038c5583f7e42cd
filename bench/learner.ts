/**
 * Compares one optimizer update, at the shapes of the embedded default, with the matrix products in it, each timed
 * alone on the same threads.
 */
import { createEngine } from '../src/compute/engine/engines.ts';
import type { Engine, EngineName, ProgramSpec } from '../src/compute/engine/engine.ts';
import { loadModelFolder } from '../src/compute/models/folder.ts';
import { grpo } from '../src/compute/objectives/grpo.ts';
import { encodeQuestion } from '../src/compute/rollout/prompts.ts';
import { Trainer, type TrainGroup } from '../src/compute/training/trainer.ts';
import { parseConfig } from '../src/config/load.ts';
import { openFigures } from '../src/data/figures/dataset.ts';
import { matmulsOf, timeMatmul, type MatMul } from './matmuls.ts';
import { seconds, type Row } from './measure.ts';

const GROUPS = 16;
const SAMPLES = 10;
const SQUARE = 512;
const OPTIMIZER = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 };
const LOSS = grpo.loss({
  ...parseConfig({}).learner,
  objective: { type: 'grpo' },
  temperature: 1,
  maxNewTokens: 28,
});

export async function benchLearner(
  model: string,
  engineName: EngineName,
  threads: number,
  runs: number,
): Promise<Row[]> {
  const folder = await loadModelFolder(model);
  await using engine = await createEngine(engineName, { threads });
  const specs = new Map<string, ProgramSpec>();
  const trainer = await Trainer.create(
    { engine: recording(engine, specs), model: folder.model, optimizer: OPTIMIZER },
    { weights: folder.params },
  );
  const groups = await makeGroups(folder);
  const step = await seconds(runs, () => trainer.step(groups, { loss: LOSS, learningRate: 1e-6 }));
  const products = [...specs.values()].flatMap(matmulsOf);
  const flops = products.reduce((sum, product) => sum + product.flops, 0);
  const alone = await timeAll(engine, products, runs);
  const square = {
    a: [SQUARE, SQUARE],
    b: [SQUARE, SQUARE],
    transposeA: false,
    transposeB: false,
    flops: 2 * SQUARE ** 3,
  };
  const squareRate = square.flops / (await timeMatmul(engine, square, 2 * runs)) / 1e9;
  const at = `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return [
    { name: `GEMM ${SQUARE} x ${SQUARE} x ${SQUARE}, ${at}`, value: squareRate, unit: 'GFLOP/s' },
    {
      name: `GEMM at the update's shapes, ${at}`,
      value: flops / alone / 1e9,
      unit: 'GFLOP/s',
      note: `${products.length} products`,
    },
    {
      name: `learner update, ${at}`,
      value: step * 1000,
      unit: 'ms',
      note: `${GROUPS} groups x ${SAMPLES}, ${(flops / 1e9).toFixed(1)} GFLOP`,
    },
    { name: `learner update, ${at}: of the GEMM rate`, value: (100 * alone) / step, unit: '%', target: 60 },
  ];
}

/** Seconds of all products together; each distinct product is measured once. */
async function timeAll(engine: Engine, products: readonly MatMul[], runs: number): Promise<number> {
  const times = new Map<string, number>();
  let total = 0;
  for (const product of products) {
    const key = JSON.stringify(product);
    const time = times.get(key) ?? (await timeMatmul(engine, product, runs));
    times.set(key, time);
    total += time;
  }
  return total;
}

/** Wraps the engine and records the programs that are compiled on it. */
function recording(engine: Engine, specs: Map<string, ProgramSpec>): Engine {
  return {
    name: engine.name,
    compile: (spec) => {
      specs.set(spec.name, spec);
      return engine.compile(spec);
    },
    attach: (stored) => engine.attach(stored),
    upload: (tensor) => engine.upload(tensor),
    read: (tensor) => engine.read(tensor),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** Real prompts and pictures; responses of the usual lengths with arbitrary tokens, which do not affect the time. */
async function makeGroups(folder: Awaited<ReturnType<typeof loadModelFolder>>): Promise<TrainGroup[]> {
  const { dataset } = openFigures({ pool: 'train', pictures: GROUPS, questions: 'one' });
  return Promise.all(
    Array.from({ length: GROUPS }, async (_, q) => ({
      prompt: await encodeQuestion(folder, dataset.question(q)),
      responses: Array.from({ length: SAMPLES }, (_, g) => response(8 + ((q + g) % 17))),
    })),
  );
}

function response(length: number) {
  const numbers = (value: number): number[] => Array.from({ length }, () => value);
  return {
    tokens: numbers(10),
    values: { advantages: numbers(1), oldLogProbs: numbers(-1), refLogProbs: numbers(-1) },
  };
}
