/** A widened model computes what the small one does, whatever its new weights are. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEngine } from '../../src/compute/engine/engines.ts';
import { withNetwork } from '../../src/compute/models/family.ts';
import { loadPromptEncoder } from '../../src/compute/models/folder.ts';
import { encodePrompt } from '../../src/compute/models/prompt.ts';
import { loadParams } from '../../src/compute/models/weights.ts';
import { forwardProgram, planForward } from '../../src/compute/programs/forward.ts';
import { drawFigure } from '../../src/data/figures/figure.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { writeMini, type Sizes } from '../../src/pretrain/mini.ts';
import { pretrain } from '../../src/pretrain/pretrain.ts';
import { FIGURES } from '../../src/pretrain/recipes/figures.ts';
import { widened } from '../../src/pretrain/widen.ts';
import type { HostTensor, TensorMap } from '../../src/protocol/tensor.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZES: Sizes = {
  hiddenSize: 512,
  intermediateSize: 448,
  layers: 6,
  heads: 8,
  kvHeads: 2,
  mropeSection: [8, 12, 12],
  vision: { depth: 3, hiddenSize: 160, intermediateSize: 176, heads: 5, fullAttentionBlocks: [1] },
};

const { figure, prompt } = FIGURES.example(3, 1, { direct: 0, ask: 0 });

/** Logits [T, V] of a prompt with its picture. */
async function logits(folder: string, weights: TensorMap): Promise<Float32Array> {
  const encoder = await loadPromptEncoder(folder);
  const model = await withNetwork(encoder.model);
  await using engine = await createEngine('cpu', { threads: 1 });
  const { shape, feeds } = planForward(model, [
    encodePrompt(encoder, { text: prompt, pictures: [drawFigure(figure)] }),
  ]);
  const program = await engine.compile(forwardProgram(model, shape));
  return ((await program.run({ ...weights, ...feeds }))['logits'] as HostTensor).data as Float32Array;
}

it('a wider and deeper shape gives the same logits', async () => {
  const mini = packagePath('models/mini');
  const folder = join(temporaryFolder(), 'wide');
  await writeMini(folder, FIGURES.words, SIZES);
  const { model } = await loadPromptEncoder(mini);
  const weights = await loadParams(mini, model);
  const { model: large } = await loadPromptEncoder(folder);
  const wide = widened({ model, weights }, large, 7);
  const [small, found] = [await logits(mini, weights), await logits(folder, wide)];
  expect(found).toHaveLength(small.length);
  const apart = found.map((value, i) => Math.abs(value - small[i]!));
  expect(Math.max(...apart)).toBeLessThan(1e-3);
  expect(Math.max(...small)).toBeGreaterThan(5);
  // The new weights are not all zero, and depend on the seed.
  const name = 'model.layers.5.mlp.up_proj.weight';
  expect(wide[name]!.data.some((value) => value !== 0)).toBe(true);
  expect(widened({ model, weights }, large, 8)[name]!.data).not.toEqual(wide[name]!.data);
}, 60_000);

it('training continues from what the small model knows, and the card says so', async () => {
  const folder = join(temporaryFolder(), 'wide');
  const losses: number[] = [];
  const evaluation = { everySteps: 100, quickQuestions: 1, questions: 10, samples: 1 };
  const like = { name: 'test', sizes: { ...SIZES, hiddenSize: 256, heads: 4, layers: 4, intermediateSize: 384 } };
  const accuracy = await pretrain({ folder, seed: 3, threads: 2, like, steps: 2, batch: 8, evaluation }, (progress) => {
    if (progress.type === 'step') losses.push(progress.loss);
  });
  // Random weights begin at ln 96 = 4.6 nats.
  expect(Math.max(...losses)).toBeLessThan(1);
  expect(losses).toHaveLength(2);
  expect(accuracy!.greedy).toBeGreaterThan(0);
  const card = await readFile(join(folder, 'README.md'), 'utf8');
  expect(card).toContain('`quorum pretrain --like test --seed 3 --steps 2`');
  expect(card).toContain('from the widened weights of `models/mini`');
}, 240_000);
