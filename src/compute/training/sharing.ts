/** How a trainer shares the passes of an update with helpers outside its thread (src/policy/helpers.ts). */
import type { HelpersGradient } from '../../protocol/passes.ts';
import type { TensorMap } from '../../protocol/tensor.ts';
import type { Pass } from './passes.ts';
import type { TokenLoss } from './token-loss.ts';
import type { TrainResponse } from './train-group.ts';

export interface SharedUpdate {
  readonly passes: readonly Pass<TrainResponse>[];
  /** Response tokens of the whole mini-batch. */
  readonly tokens: number;
  readonly loss: TokenLoss;
  /** Optimizer updates made before this one. */
  readonly updates: number;
  /** Copies the weights that the update starts from. */
  readonly weights: () => Promise<TensorMap>;
}

export interface Sharing {
  /** Offers the passes; replaces an earlier offer. */
  offer(update: SharedUpdate): Promise<void>;
  /** The gradient of pass `at` of the offer; undefined where the trainer computes it. */
  take(at: number): Promise<HelpersGradient | undefined>;
  /** Reports a wrong gradient. @throws WrongGradientError always. */
  reject(at: number, why: string): Promise<never>;
}
