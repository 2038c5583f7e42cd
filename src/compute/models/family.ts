/**
 * A model family: one architecture of Hugging Face, named by `model_type` of config.json. Other rooms see a model only
 * through these types. A family has two halves. `parse` returns the host side (sizes, names, prompts, pictures); it
 * loads no TF.js, so the command line and the configuration can read it. `network` returns the functions over tensors
 * that programs are built from. A new family takes a folder next to this file and its line in index.ts.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Picture } from '../../protocol/messages.ts';
import type { HostTensor } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';

export interface ModelFamily {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** @param file names the source in errors. @throws InputError naming the field and its value. */
  parse(raw: Readonly<Record<string, unknown>>, file: string): Architecture;
}

/** The model that one config.json describes, without its weights. */
export interface Architecture {
  readonly modelType: string;
  readonly dimensions: Dimensions;
  /** Names, as on the hub, and shapes of all weights. Programs take them as inputs. Linear weights are [out, in]. */
  readonly parameters: Specs;
  /**
   * Maps the stored name of a tensor to its name in `parameters`; returns undefined when the model does not use the
   * tensor, and returns an unknown name unchanged.
   */
  parameterName(stored: string): string | undefined;
  /**
   * Returns the path in transformers of the linear layer, within the decoder's blocks or the vision tower, whose
   * weight is called `parameter`; undefined for other weights. Absent in a family that takes no adapters.
   */
  moduleOf?(parameter: string): string | undefined;
  readonly positions: PositionScheme;
  /** Absent in a model that takes no pictures. */
  readonly vision?: Vision;
  /** The parsed config.json, unchanged. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** Returns config.json of this model for weights that are mostly of type `dtype` (`float32`, `bfloat16`, ...). */
  save(dtype: string): Record<string, unknown>;
  /** Loads TF.js. */
  network(): Promise<Network>;
}

/** Sizes that programs, caches and settings depend on. */
export interface Dimensions {
  readonly layers: number;
  /** D */
  readonly hiddenSize: number;
  /** V */
  readonly vocabSize: number;
  /** H; a multiple of `kvHeads`. */
  readonly heads: number;
  /** KV */
  readonly kvHeads: number;
  /** hd */
  readonly headDim: number;
  /** Context length in tokens. */
  readonly maxPositions: number;
}

/**
 * Assigns positions to tokens, and names the program inputs that carry them (rotary tables, indices of learned
 * positions).
 */
export interface PositionScheme {
  /**
   * Numbers per token: 3 for M-RoPE (time, height, width), 1 for a plain decoder. In a response all axes are equal and
   * increase by 1 with each token.
   */
  readonly axes: number;
  /** @throws InputError when the image tokens among `ids` do not fit the images. */
  of(ids: ArrayLike<number>, images: readonly Pick<PatchedImage, 'grid'>[]): Positions;
  /** Inputs for N rows. Their names differ from those of the programs' other inputs. */
  specs(rows: number): Specs;
  /** @param positions [axes, N] row-major. */
  feeds(positions: ArrayLike<number>): Feeds;
}

export interface Positions {
  /** [axes, n] row-major. */
  readonly ids: Int32Array;
  /** Position of the token after the last. */
  readonly next: number;
}

/** Turns the pictures of a prompt from pixels into inputs of the vision tower. */
export interface Vision {
  /** The token in a prompt whose row is replaced by a row of an image. */
  readonly tokenId: number;
  /** Reads `preprocessor_config.json`. @throws InputError */
  processor(json: unknown, file: string): PictureProcessor;
  /** Returns the number of decoder rows that an image takes. */
  rows(image: Pick<PatchedImage, 'grid'>): number;
  /** @throws InputError when an image's patches do not fill its grid. */
  plan(images: readonly PatchedImage[]): { readonly shape: ImageShape; readonly feeds: Feeds };
  readonly tower: Tower;
}

/**
 * The vision tower as separate programs that run over one picture at a time. When the tower is frozen, a picture's
 * rows are computed once, and the shapes of programs over text do not depend on the pictures' sizes.
 */
export interface Tower {
  /** Whether the weight called `parameter` is the tower's. */
  owns(parameter: string): boolean;
  /**
   * Plans the picture in parts whose rows are concatenated in order. @throws InputError when an image's patches do not
   * fill its grid.
   */
  plan(image: PatchedImage): readonly TowerPlan[];
}

export interface TowerPlan {
  readonly shape: TowerShape;
  readonly feeds: Feeds;
  /** For each row of the decoder, the index of its row in the last stage's result. */
  readonly order: Int32Array;
}

/** Pictures with equal shapes share programs. A family adds the fields that its stages need. */
export interface TowerShape {
  /** Holds every static setting of the shape, for a program's name. */
  readonly name: string;
  /** One program per stage, of bounded duration. All but the first take `towerRows`, the output of the stage before. */
  readonly stages: readonly TowerStage[];
}

export interface TowerStage {
  /** The weights that the stage takes. */
  readonly parameters: Specs;
  readonly inputs: Specs;
}

/**
 * Scales a picture down when it takes more than `maxTokens` rows of the decoder. @throws InputError when the model
 * does not support the picture's size or channels.
 */
export type PictureProcessor = (picture: Picture, maxTokens?: number) => PatchedImage;

/** Patches of an image: [time, height, width]. */
export type Grid = readonly [number, number, number];

export interface PatchedImage {
  readonly grid: Grid;
  /** [t*h*w, values of a patch], in the family's order. */
  readonly patches: Float32Array;
  /** Rows that the picture would take if `maxTokens` did not scale it down. */
  readonly wantedRows?: number;
}

/** An image whose rows the tower has already computed. */
export interface EmbeddedImage {
  readonly grid: Grid;
  /** [rows, D] */
  readonly rows: Float32Array;
}

export type PromptImage = PatchedImage | EmbeddedImage;

/**
 * Static part of a batch of images: batches with equal shapes share a program. A family adds the fields that its tower
 * needs.
 */
export interface ImageShape {
  /** Holds every static setting of the shape, for a program's name. */
  readonly name: string;
  /** M, the rows of all images together. */
  readonly rows: number;
  /** Inputs of the tower other than the weights. */
  readonly inputs: Specs;
}

/** An encoded prompt, the model's input. */
export interface EncodedPrompt {
  readonly ids: ArrayLike<number>;
  /** [axes, n] row-major. */
  readonly positions: ArrayLike<number>;
  /** Position of the first token of the response. */
  readonly nextPosition: number;
  readonly images: readonly PromptImage[];
  /** Number of images that `maxTokens` scaled down. */
  readonly scaledImages?: number;
}

export type Feeds = Record<string, HostTensor>;

/** Tensors of a program by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * The model over flat rows [N, D], one a token. Each program supplies the attention between rows, so the full forward,
 * shared-prefix training, prefill and decoding run the same blocks. Every linear layer goes through `linear` of
 * tensors.ts, which adapters build on.
 */
export interface Network {
  /** `ids` [N] int32 -> [N, D]. */
  embed(weights: Tensors, inputs: Tensors, ids: Tensor): Tensor;
  /** All images of the batch -> [M, D]. */
  images?(weights: Tensors, inputs: Tensors, shape: ImageShape): Tensor;
  /** One stage of the tower over one picture -> the next one's `towerRows`, or rows [M, D]. */
  tower?(weights: Tensors, inputs: Tensors, stage: TowerStage): Tensor;
  /** Layer `layer`, residuals included: [N, D] -> [N, D]. Calls `attention` once. */
  block(weights: Tensors, inputs: Tensors, layer: number, rows: Tensor, attention: Attention): Tensor;
  /** The norm after the last block: [N, D] -> [N, D]. */
  norm(weights: Tensors, rows: Tensor): Tensor;
  /** [N, D] -> logits [N, V]. */
  head(weights: Tensors, rows: Tensor): Tensor;
}

/**
 * Queries [N, H*hd] (placed and scaled by hd^-1/2), keys (placed) and values [N, KV*hd] of one layer -> mixed values
 * [N, H*hd].
 */
export type Attention = (q: Tensor, k: Tensor, v: Tensor, layer: number) => Tensor;

/** A whole model: its host side and its network. */
export interface Model extends Architecture, Network {}

/** Loads TF.js. */
export async function withNetwork(architecture: Architecture): Promise<Model> {
  return { ...architecture, ...(await architecture.network()) };
}

/** Added to an attention score to mask it. It is finite, so that a row whose scores are all masked gives no NaN. */
export const FORBIDDEN = -1e9;
