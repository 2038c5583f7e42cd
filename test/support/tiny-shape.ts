/** Sizes of a model with random weights that a test writes in milliseconds. */
import { RANDOM_SHAPES, type RandomShape } from '../../src/pretrain/random/shapes.ts';

export const TINY_SHAPE: RandomShape = {
  ...RANDOM_SHAPES['0.1b'],
  vocabSize: 512,
  firstSpecialId: 300,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 2,
  heads: 4,
  mropeSection: [2, 1, 1],
  vision: { depth: 1, hiddenSize: 32, intermediateSize: 48, heads: 2, fullAttentionBlocks: [0] },
};
