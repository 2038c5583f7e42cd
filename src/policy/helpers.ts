/**
 * Helpers compute gradients of a learner's passes. The learner offers the passes of an update, computes them in their
 * order, and takes from the helpers those that they have begun; it adds all gradients up in the order of the passes, so
 * the step is the same whichever helper computes which pass.
 */
import type { GradientRequest, HelpersGradient, PassGradient } from '../protocol/passes.ts';
import type { WeightsRef } from '../protocol/ports.ts';

export interface Helpers {
  /** Whether a helper can compute now. */
  areReady(): boolean;
  offer(offered: Offered): Offer;
}

/** The passes of one update. */
export interface Offered {
  /** They can be read until the offer is closed. */
  readonly weights: WeightsRef;
  /** Of a gradient. */
  readonly bytes: number;
  /** Undefined for a pass that no helper may take. */
  readonly requests: readonly (GradientRequest | undefined)[];
}

export interface Offer {
  /** Undefined where the caller computes pass `at`: no helper has begun it, or its helper is lost. */
  take(at: number): Promise<HelpersGradient | undefined>;
  /** The gradient of pass `at` is wrong: nothing more is taken from its helper. */
  reject(at: number, why: string): void;
  /** Nothing more is taken from this offer; waiting calls of `take` get undefined. */
  close(): void;
}

/** What a helper computes with, in its own process. */
export interface Gradients extends AsyncDisposable {
  /** @throws InputError when a question cannot be encoded, RangeError when the weights are gone. */
  gradient(weights: WeightsRef, request: GradientRequest, signal?: AbortSignal): Promise<PassGradient>;
}
