/**
 * Estimates the memory of a run, by part, from its programs, before any weight is read. Each part counts its numbers
 * in f32; the memory of the process, of the runtime and of its allocator is not included.
 */
import { peakBytes } from './compile/liveness.ts';
import { trace } from './compile/trace.ts';
import { specsOf, type Specs } from './engine/engine.ts';
import { makeAdapter, type AdapterSettings } from './models/adapters.ts';
import type { EncodedPrompt, Model, PromptImage } from './models/family.ts';
import { withAdapter, type ParameterSets } from './models/parameter-sets.ts';
import { imageFeeds } from './programs/batch.ts';
import { cacheSpecs } from './programs/decode.ts';
import type { PolicyShape } from './programs/policy-forward.ts';
import type { Saving } from './training/loss-gradients.ts';
import { gradProgram } from './training/step.ts';
import type { TokenLoss } from './training/token-loss.ts';
import { sizeOf } from '../protocol/tensor.ts';

export interface MemorySettings {
  /** Undefined when the whole model is trained. */
  readonly adapter: AdapterSettings | undefined;
  readonly loss: TokenLoss;
  readonly saving: Saving;
  /** A typical question with its pictures. */
  readonly prompt: EncodedPrompt;
  /** G */
  readonly samples: number;
  /** Longest response. */
  readonly responseTokens: number;
  /** Questions in one pass of the learner. */
  readonly passGroups: number;
  /** Responses decoded at once. */
  readonly rolloutRows: number;
}

/** Bytes. */
export interface Memory {
  /** Weights that no step changes, counted once; each thread holds them. */
  readonly frozen: number;
  /** Weights that steps change, and the sums of their gradients. */
  readonly trainable: number;
  /** AdamW's two moments of each trainable weight. */
  readonly moments: number;
  /** Weights and moments of the newest version and of the one before it, which samplers may still read. */
  readonly versions: number;
  /** Keys and values of the responses that are decoded at once. */
  readonly cache: number;
  /** Tensors that a pass of the learner holds at its peak, without pictures. */
  readonly activations: number;
  /** The part of that peak that the pictures of a pass add. */
  readonly pictures: number;
}

/** Bytes of a Node process with TF.js and ONNX Runtime before it loads a model. */
const PROCESS_BYTES = 0.35e9;
/** Bytes that ONNX Runtime's allocator holds for each byte in use (measured, see docs/measurements.md). */
const ALLOCATOR = 1.33;

/** Peak host memory, in bytes, of a learner on the CPU. */
export function learnerBytes(parts: Memory): number {
  const all = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  return PROCESS_BYTES + ALLOCATOR * (all - parts.cache);
}

/** Traces the learner's program twice, which takes a second for a model of billions. */
export function memoryOf(model: Model, settings: MemorySettings): Memory {
  const { prompt, rolloutRows, responseTokens } = settings;
  const adapter = settings.adapter && makeAdapter(model, settings.adapter);
  const sets: ParameterSets = adapter
    ? { frozen: { ...model.parameters, ...specsOf(adapter.constants) }, trainable: adapter.trainable }
    : { frozen: {}, trainable: model.parameters };
  const adapted = withAdapter(model, adapter);
  const [without, whole] = [false, true].map((sees) => passBytes(adapted, sets, settings, sees));
  const trainable = bytesOf(sets.trainable);
  const cacheLength = prompt.ids.length + responseTokens;
  return {
    frozen: bytesOf(sets.frozen),
    trainable: 2 * trainable,
    moments: 2 * trainable,
    versions: 2 * 3 * trainable,
    cache: bytesOf(cacheSpecs(model.dimensions, { rows: rolloutRows, cacheLength })),
    activations: without!,
    pictures: Math.max(0, whole! - without!),
  };
}

function passBytes(model: Model, sets: ParameterSets, settings: MemorySettings, seesPictures: boolean): number {
  const { loss, saving, prompt, samples, responseTokens, passGroups } = settings;
  const asked = { ...prompt, images: seesPictures ? picturesOf(model, settings) : [] };
  const prompts = Array.from({ length: passGroups }, () => asked);
  const promptLength = prompt.ids.length;
  const rows = passGroups * (promptLength + samples * responseTokens);
  const { shape: vision } = imageFeeds(model, prompts, rows, promptLength, 'left');
  const shape: PolicyShape = {
    prompts: passGroups,
    samples,
    promptLength,
    responseLength: responseTokens,
    ...(vision && { vision }),
  };
  return peakBytes(trace(gradProgram(model, sets, shape, loss, saving)));
}

/** With a frozen tower a pass takes rows that the tower computed earlier. */
function picturesOf({ vision, dimensions }: Model, { adapter, prompt }: MemorySettings): readonly PromptImage[] {
  if (!vision || adapter === undefined) return prompt.images;
  return prompt.images.map((image) => ({
    grid: image.grid,
    rows: new Float32Array(vision.rows(image) * dimensions.hiddenSize),
  }));
}

function bytesOf(specs: Specs): number {
  return Object.values(specs).reduce((sum, { shape }) => sum + Float32Array.BYTES_PER_ELEMENT * sizeOf(shape), 0);
}
