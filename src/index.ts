/**
 * What plug-ins, configuration files and scripts import from 'quorum'; docs/public-api.txt has it with every signature.
 * Light on purpose: an import loads no actor, stream or tensor.
 */
export { evaluate, generate, openModel, openParts, openRun, startLoop } from './api.ts';
export type { EvaluateOptions, SuiteAccuracy } from './api/evaluate.ts';
export type { Asked, Generated, GenerateOptions } from './api/generate.ts';
export type { Model } from './api/model.ts';
export type { LoopParts } from './api/parts.ts';
export type { Run } from './api/run.ts';
export { defineConfig, type Config, type ConfigInput } from './config/schema.ts';
export type { DaemonHandle, DaemonHooks } from './daemon/daemon-handle.ts';
export { readingPrompt } from './data/figures/ask.ts';
export { groupAdvantages, type AdvantageOptions } from './learn/advantage.ts';
export { extractAnswer } from './learn/answer.ts';
export { checkEquations } from './learn/checks/equations.ts';
export { checkPremises, premisesOf } from './learn/checks/premises.ts';
export { checkViews } from './learn/checks/views.ts';
export { checkWhole } from './learn/checks/whole.ts';
export { dropReason, type FilterOptions } from './learn/filters.ts';
export { majorityVote, type Vote } from './learn/vote.ts';
export { makeFolder } from './lib/make-folder.ts';
export {
  API_VERSION,
  definePlugin,
  type OpenPort,
  type PluginDefinition,
  type PortContext,
  type RunQuestions,
} from './plugin/define.ts';
export { openPort } from './plugin/open-port.ts';
export type { Learner } from './policy/learner.ts';
export type { Policy, PolicyOrigin } from './policy/policy.ts';
export type { Sampler, WeightsOf } from './policy/sampler.ts';
export type { Command, LoopCommand, PluginCommand } from './protocol/commands.ts';
export {
  CancelledError,
  InputError,
  ItemError,
  PermissionError,
  PluginError,
  TimeoutError,
  UnsoundStepError,
  UnsupportedError,
  WorkerError,
} from './protocol/errors.ts';
export type {
  Accuracy,
  Base64PictureRef,
  Batch,
  Checked,
  CheckFinding,
  DropReason,
  Evaluation,
  Finish,
  HeldOutAnswer,
  JudgedGroup,
  LabelFree,
  Origin,
  ParquetPictureRef,
  Picture,
  PictureRef,
  PolicyVersion,
  Question,
  RefusedQuestion,
  RolloutGroup,
  Sample,
  StepMetrics,
  StepSettings,
  Verdict,
  WrittenQuestion,
} from './protocol/messages.ts';
export type {
  Advantage,
  AdvantageRequest,
  Ask,
  AskRequest,
  Check,
  CheckQuestion,
  CheckReply,
  CheckRequest,
  Evaluate,
  EncodedText,
  EvaluateRequest,
  Export,
  ExportPage,
  Filter,
  FurtherSamples,
  Judge,
  Learn,
  LearnReply,
  LoopEvent,
  ModelLimits,
  ModelText,
  Panel,
  PanelBlock,
  PanelContent,
  PortName,
  Ports,
  PromptSource,
  Reward,
  RewardReply,
  RewardRequest,
  Rewarded,
  SampleQuestions,
  SampledReply,
  SampleReply,
  SampleRequest,
  SamplingParams,
  SoloPort,
  Synthesize,
  SynthesizeRequest,
  Watch,
  WeightsRef,
  Written,
} from './protocol/ports.ts';
export type { Report, Status } from './protocol/status.ts';
export type { HistoryRow } from './store/read-history.ts';
