/**
 * What an objective in a file of its own (`learner.objective.type: module`) imports from 'quorum/objectives': the parts
 * of those that come with Quorum. An import loads no tensors: TensorFlow.js reaches a loss as a parameter.
 */
export {
  defineObjective,
  type Encoded,
  type Objective,
  type Prepared,
  type Revised,
  type Score,
  type Step,
} from './compute/objectives/objective.ts';
export { policyGradient, type PolicyGradient } from './compute/objectives/policy-gradient.ts';
export {
  clippedSurrogate,
  constant,
  k3,
  sequenceRatio,
  tokenRatio,
  type ClipSettings,
  type RatioTensors,
  type Surrogate,
} from './compute/objectives/terms.ts';
export { tokenLoss, type LossTensors, type LossTerms, type TokenLoss } from './compute/training/token-loss.ts';
