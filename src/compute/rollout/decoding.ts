/**
 * The interface through which generation keeps keys and values between steps. Engines with their own device update
 * caches in place there; in host memory samples share their prompt's caches, and host-decoding.ts stores new keys and
 * values.
 */
import type { Engine, Feed } from '../engine/engine.ts';
import type { Dimensions, EncodedPrompt, Model } from '../models/family.ts';
import type { DecodeStep } from '../programs/decode.ts';

/** A model on an engine, with weights. */
export interface RunningModel {
  readonly engine: Engine;
  readonly model: Model;
  /** By state-dict name. */
  readonly weights: Readonly<Record<string, Feed>>;
}

/** State of every row that a step needs. */
export interface DecodeRows extends DecodeStep {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Tokens in the row's cache: prompt and generated. */
  readonly lengths: Int32Array;
  /** Sample q*G + g in each row. */
  readonly order: Int32Array;
}

export interface Decoding {
  readonly rows: number;
  /** Feeds each row's last token; logits [rows, V] of the next. */
  step(rows: DecodeRows): Promise<Float32Array>;
  /** Keeps the given rows, in that order; the index of each is at or after its new index. */
  keep(rows: Int32Array): Promise<void>;
  release(): void;
}

export interface DecodingRequest {
  readonly prompts: readonly EncodedPrompt[];
  /** P */
  readonly promptLength: number;
  /** G */
  readonly samples: number;
  readonly newTokens: number;
}

/** The state after the prompts: logits [Q, V] of the first new token. */
export interface Begun {
  readonly decoding: Decoding;
  readonly logits: Float32Array;
  readonly lengths: readonly number[];
  readonly nextPositions: readonly number[];
}

/** Names of the prefill program's cache outputs, key then value, layer by layer. */
export function presentCaches({ layers }: Dimensions): string[] {
  return Array.from({ length: layers }, (_, layer) => [`present_key.${layer}`, `present_value.${layer}`]).flat();
}
