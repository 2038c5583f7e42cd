/**
 * Estimates the memory of a run, by part, from its programs, before any weight is read. In 16 bits the frozen weights,
 * the cache and most of a program take half, as where the provider has every kernel; all else is counted in f32.
 * `hostBytes` and `deviceBytes` say what the parts come to.
 */
import { peakBytes } from './compile/liveness.ts';
import { trace } from './compile/trace.ts';
import { inCompute } from './engine/attached.ts';
import { specsOf, type Compute, type ProgramSpec, type Specs } from './engine/engine.ts';
import { makeAdapter, type AdapterSettings } from './models/adapters.ts';
import type { EncodedPrompt, Model, PatchedImage, PromptImage } from './models/family.ts';
import { withAdapter, type ParameterSets } from './models/parameter-sets.ts';
import { bucket, imageFeeds } from './programs/batch.ts';
import { cacheSpecs } from './programs/decode.ts';
import type { PolicyShape } from './programs/policy-forward.ts';
import { planPrefill, prefillProgram } from './programs/prefill.ts';
import { towerProgram } from './programs/tower.ts';
import type { Saving } from './training/loss-gradients.ts';
import { largestPass, type PassLimit } from './training/passes.ts';
import { scoreProgram } from './training/score.ts';
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
  /** Questions in a mini-batch. */
  readonly groups: number;
  /** Bound of a pass of the learner, and of the scorer. */
  readonly pass: PassLimit;
  /** Questions whose responses are decoded at once. */
  readonly rolloutQuestions: number;
  /** Whether the caches of a question's responses share the prompt's keys and values, as they do in host memory. */
  readonly sharesPrompt: boolean;
  /** Sampler threads. */
  readonly samplers: number;
  /** Learner threads, which each have weights, moments and passes; default: one. */
  readonly learners?: number;
  /** Default `f32`. */
  readonly compute?: Compute;
}

/** Bytes. */
export interface Memory {
  /** Weights that no step changes, counted once. */
  readonly frozen: number;
  /**
   * The learner threads' weights that steps change, the sums of their gradients, a copy while a version is made, and a
   * slot for the sums that several threads exchange.
   */
  readonly trainable: number;
  /** AdamW's two moments of each trainable weight, with the same copy. */
  readonly moments: number;
  /** In shared memory: the base, and weights and moments of the newest version and of the one before it. */
  readonly versions: number;
  /** Tensors that a pass of the learner holds at its peak, without pictures. */
  readonly activations: number;
  /** What pictures add to that peak; with a frozen tower, what a picture takes on its way through it. */
  readonly pictures: number;
  /** Keys and values of the responses that the samplers decode at once. */
  readonly cache: number;
  /** Tensors of the samplers' largest program: the prompts of a job, or the scoring of its responses. */
  readonly sampling: number;
  /** Weights of the versions that the samplers keep. */
  readonly samplerVersions: number;
}

/** Bytes of a Node process with TF.js and ONNX Runtime before it loads a model. */
const PROCESS_BYTES = 0.35e9;
/** Bytes that ONNX Runtime takes for each byte of a program's tensors (measured, see docs/measurements.md). */
const ALLOCATOR = 1.25;
/** Versions that a sampler keeps: the newest, the one in evaluation, the base. */
const SAMPLER_VERSIONS = 3;

/** Peak memory of the process on the CPU. */
export function hostBytes(parts: Memory): {
  /** Bytes of this process alone. */
  readonly own: number;
  /** Bytes of weights in files that the system may drop and read again. */
  readonly mapped: number;
} {
  const { frozen, activations, pictures, sampling, ...rest } = parts;
  const tensors = ALLOCATOR * (activations + pictures + sampling);
  return { own: PROCESS_BYTES + tensors + total(rest), mapped: frozen };
}

/** Peak memory of the learner's and the samplers' programs on a GPU; each thread has the weights once. */
export function deviceBytes(
  parts: Memory,
  { samplers, learners = 1 }: Pick<MemorySettings, 'samplers' | 'learners'>,
): number {
  const { frozen, trainable, activations, pictures, cache, sampling } = parts;
  const threads = learners + samplers;
  return threads * (frozen + trainable / (4 * learners)) + ALLOCATOR * (activations + pictures + sampling) + cache;
}

/** Bytes of a program's tensors at their peak. */
type Peak = (program: ProgramSpec) => number;

/** Traces the largest programs, which takes seconds for a model of billions. */
export function memoryOf(model: Model, settings: MemorySettings): Memory {
  const { adapted, sets } = setsOf(model, settings);
  const narrower = settings.compute === undefined || settings.compute === 'f32' ? 1 : 2;
  const peak: Peak = (program) => peakBytes(inCompute(trace(program), sets.frozen, settings.compute ?? 'f32'));
  const [without, whole] = [false, true].map((sees) => peak(passProgram(adapted, sets, settings, sees)));
  const trainable = bytesOf(sets.trainable);
  const { learners = 1 } = settings;
  const exchanged = learners > 1 ? trainable : 0;
  return {
    frozen: bytesOf(sets.frozen) / narrower,
    trainable: learners * (3 * trainable + exchanged),
    moments: learners * 4 * trainable,
    versions: 8 * trainable,
    activations: learners * without!,
    pictures: learners * Math.max(0, whole! - without!, towerBytes(adapted, settings, peak)),
    cache: (settings.samplers * cacheBytes(model, settings)) / narrower,
    sampling: settings.samplers * samplingBytes(adapted, settings, peak),
    samplerVersions: settings.samplers * SAMPLER_VERSIONS * trainable,
  };
}

export function setsOf(
  model: Model,
  settings: Pick<MemorySettings, 'adapter'>,
): { readonly adapted: Model; readonly sets: ParameterSets } {
  const adapter = settings.adapter && makeAdapter(model, settings.adapter);
  const sets: ParameterSets = adapter
    ? { frozen: { ...model.parameters, ...specsOf(adapter.constants) }, trainable: adapter.trainable }
    : { frozen: {}, trainable: model.parameters };
  return { adapted: withAdapter(model, adapter), sets };
}

/** The learner's program for a pass over questions like the typical one. */
export function passProgram(
  model: Model,
  sets: ParameterSets,
  settings: MemorySettings,
  seesPictures: boolean,
): ProgramSpec {
  const { loss, saving } = settings;
  return gradProgram(model, sets, passShape(model, settings, seesPictures), loss, saving);
}

function passShape(model: Model, settings: MemorySettings, seesPictures: boolean): PolicyShape {
  const { prompt, responseTokens } = settings;
  const { groups: passGroups, samples } = largestPass(settings, prompt, responseTokens);
  const prompts = Array.from({ length: passGroups }, () => asked(model, settings, seesPictures));
  const [promptLength, responseLength] = [bucket(prompt.ids.length), bucket(responseTokens)];
  const rows = passGroups * (promptLength + samples * responseLength);
  const { shape: vision } = imageFeeds(model, prompts, rows, promptLength, 'left');
  return { prompts: passGroups, samples, promptLength, responseLength, ...(vision && { vision }) };
}

/** The larger of the samplers' programs. */
function samplingBytes(model: Model, settings: MemorySettings, peak: Peak): number {
  const prompts = Array.from({ length: settings.rolloutQuestions }, () => asked(model, settings, true));
  const { shape } = planPrefill(model, prompts, { samples: 1, newTokens: 1 });
  const scored = scoreProgram(model, passShape(model, settings, true), 1);
  return Math.max(peak(prefillProgram(model, shape)), peak(scored));
}

function cacheBytes({ dimensions }: Model, settings: MemorySettings): number {
  const { prompt, samples, responseTokens, rolloutQuestions, sharesPrompt } = settings;
  const rows = rolloutQuestions * samples;
  const of = (count: number, cacheLength: number): number =>
    bytesOf(cacheSpecs(dimensions, { rows: count, cacheLength }));
  return of(sharesPrompt ? rolloutQuestions : rows, prompt.ids.length) + of(rows, responseTokens);
}

/** With a frozen tower: the largest of the programs that a picture passes through. */
function towerBytes(model: Model, settings: MemorySettings, peak: Peak): number {
  const { vision } = model;
  if (!vision || !isTowerFrozen(settings)) return 0;
  const plans = settings.prompt.images.flatMap((image) => vision.tower.plan(image as PatchedImage));
  const stages = plans.flatMap(({ shape }) => shape.stages.map((stage, at) => towerProgram(model, shape, stage, at)));
  return Math.max(0, ...stages.map(peak));
}

const isTowerFrozen = ({ adapter }: MemorySettings): boolean => adapter !== undefined && adapter.vision !== true;

function asked(model: Model, settings: MemorySettings, seesPictures: boolean): EncodedPrompt {
  return { ...settings.prompt, images: seesPictures ? picturesOf(model, settings) : [] };
}

/** With a frozen tower a pass takes rows that the tower computed earlier. */
function picturesOf({ vision, dimensions }: Model, settings: MemorySettings): readonly PromptImage[] {
  const { images } = settings.prompt;
  if (!vision || !isTowerFrozen(settings)) return images;
  return images.map((image) => ({
    grid: image.grid,
    rows: new Float32Array(vision.rows(image) * dimensions.hiddenSize),
  }));
}

function bytesOf(specs: Specs): number {
  return total(Object.values(specs).map(({ shape }) => Float32Array.BYTES_PER_ELEMENT * sizeOf(shape)));
}

function total(sizes: Readonly<Record<string, number>> | readonly number[]): number {
  return Object.values(sizes).reduce((sum, size) => sum + size, 0);
}
