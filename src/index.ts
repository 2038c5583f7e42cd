/**
 * What plug-ins, configuration files and scripts import from 'quorum'; docs/public-api.txt has it with every signature. Light on purpose: an import loads
 * no actor, stream or tensor.
 */
export { defineConfig, type Config, type ConfigInput } from './config/schema.ts';
export { extractAnswer } from './learn/answer.ts';
export { makeFolder } from './lib/make-folder.ts';
export { API_VERSION, definePlugin, type OpenPort, type PluginDefinition, type PortContext, type RunQuestions } from './plugin/define.ts';
export { openPort } from './plugin/open-port.ts';
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
} from './protocol/messages.ts';
export type {
  Advantage,
  AdvantageRequest,
  Ask,
  AskRequest,
  Evaluate,
  EvaluateRequest,
  Export,
  ExportPage,
  Filter,
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
  SampleReply,
  SampleRequest,
  SamplingParams,
  SoloPort,
  Synthesize,
  SynthesizeRequest,
  Watch,
  Written,
} from './protocol/ports.ts';
