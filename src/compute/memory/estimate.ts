/**
 * Estimates the memory of a run, by part, from its programs, before any weight is read. In 16 bits the frozen weights,
 * the cache and most of a program take half, as where the provider has every kernel; all else is counted in f32.
 * places.ts says what the threads of a run come to in each place.
 */
import { peakBytes } from '../compile/liveness.ts';
import { trace } from '../compile/trace.ts';
import { inCompute } from '../engine/attached.ts';
import { signature } from '../engine/cache.ts';
import { specsOf, type Compute, type ProgramSpec, type Specs } from '../engine/engine.ts';
import { makeAdapter, type AdapterSettings } from '../models/adapters.ts';
import type { EncodedPrompt, Model, PatchedImage, PromptImage } from '../models/family.ts';
import { withAdapter, type ParameterSets } from '../models/parameter-sets.ts';
import { bucket, imageFeeds, ladder } from '../programs/batch.ts';
import { cacheSpecs } from '../programs/decode.ts';
import type { PolicyShape } from '../programs/policy-forward.ts';
import { planPrefill, prefillProgram } from '../programs/prefill.ts';
import { planRollout, rolloutProgram } from '../programs/rollout.ts';
import { towerProgram } from '../programs/tower.ts';
import type { Saving } from '../training/loss-gradients.ts';
import { largestPass, type PassLimit } from '../training/passes.ts';
import { scoreProgram } from '../training/score.ts';
import { gradProgram, updateProgram } from '../training/step.ts';
import type { TokenLoss } from '../training/token-loss.ts';
import { sizeOf } from '../../protocol/tensor.ts';

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
  /** Whether a rollout is one program, as on `cuda`; else the responses of a question share the prompt's cache. */
  readonly atOnce: boolean;
  /** Default `f32`. */
  readonly compute?: Compute;
}

/** Bytes of the tensors of one learner thread and of one sampler thread. */
export interface ThreadMemory {
  /** Weights that no step changes. */
  readonly frozen: number;
  /** Weights that steps change. */
  readonly trainable: number;
  /** Tensors that a pass of the learner holds at its peak, without pictures. */
  readonly activations: number;
  /** What pictures add to that peak; with a frozen tower, what a picture takes on its way through it. */
  readonly pictures: number;
  /** Tensors that the optimizer's program makes. */
  readonly update: number;
  /** Keys and values of the responses that a sampler decodes at once. */
  readonly cache: number;
  /** Further tensors of the sampler's largest program. */
  readonly sampling: number;
}

/** Any: the optimizer's program has the same tensors. */
const OPTIMIZER = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 };
/** Bytes of a program's tensors at their peak. */
type Peak = (program: ProgramSpec) => number;

/** Peaks of programs by their signature, for estimates that differ in few of them. */
export type Peaks = Map<string, number>;

/** Traces the largest programs, which takes seconds for a model of billions. */
export function memoryOf(model: Model, settings: MemorySettings, peaks: Peaks = new Map()): ThreadMemory {
  const { adapted, sets } = setsOf(model, settings);
  const { compute = 'f32', atOnce } = settings;
  const narrower = compute === 'f32' ? 1 : 2;
  const peak: Peak = (program) => {
    const key = `${compute}:${signature(program)}`;
    const found = peaks.get(key) ?? peakBytes(inCompute(trace(program), sets.frozen, compute));
    peaks.set(key, found);
    return found;
  };
  const whole = peak(passProgram(adapted, sets, settings, true));
  // A pass takes rows that a frozen tower computed earlier, and few bytes for them.
  const without = isTowerFrozen(settings) ? whole : peak(passProgram(adapted, sets, settings, false));
  const cache = cacheBytes(model, settings) / narrower;
  const rollout = atOnce ? peak(atOnceProgram(adapted, settings)) - cache : peak(prefillOf(adapted, settings));
  const scored = peak(scoreProgram(adapted, passShape(adapted, settings, true), 1));
  return {
    frozen: bytesOf(sets.frozen) / narrower,
    trainable: bytesOf(sets.trainable),
    activations: without,
    pictures: Math.max(whole - without, towerBytes(adapted, settings, peak)),
    update: peak(updateProgram(sets.trainable, OPTIMIZER)),
    cache,
    sampling: Math.max(rollout, scored - (atOnce ? cache : 0)),
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

const askedAtOnce = (model: Model, settings: MemorySettings): EncodedPrompt[] =>
  Array.from({ length: settings.rolloutQuestions }, () => asked(model, settings, true));

function prefillOf(model: Model, settings: MemorySettings): ProgramSpec {
  const { shape } = planPrefill(model, askedAtOnce(model, settings), { samples: 1, newTokens: 1 });
  return prefillProgram(model, shape);
}

function atOnceProgram(model: Model, settings: MemorySettings): ProgramSpec {
  const { samples, prompt, responseTokens: newTokens, rolloutQuestions } = settings;
  const { shape } = planRollout(model, {
    prompts: askedAtOnce(model, settings),
    promptLength: ladder(prompt.ids.length),
    samples,
    newTokens,
    params: { temperature: 1, topP: 1, topK: 0 },
    stopTokens: [],
    uniforms: new Float32Array(newTokens * rolloutQuestions * samples),
  });
  return rolloutProgram(model, shape);
}

function cacheBytes({ dimensions }: Model, settings: MemorySettings): number {
  const { prompt, samples, responseTokens, rolloutQuestions, atOnce } = settings;
  const rows = rolloutQuestions * samples;
  const of = (count: number, cacheLength: number): number =>
    bytesOf(cacheSpecs(dimensions, { rows: count, cacheLength }));
  return of(atOnce ? rows : rolloutQuestions, prompt.ids.length) + of(rows, responseTokens);
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
