/** What a run with this configuration takes of memory, from the programs that it would run. */
import { loadPromptEncoder } from '../../compute/models/folder.ts';
import { withNetwork, type EncodedPrompt, type Model } from '../../compute/models/family.ts';
import { kindOf, type Compute } from '../../compute/engine/engine.ts';
import type { KernelReport } from '../../compute/kernel-report.ts';
import type { Memory, MemorySettings } from '../../compute/memory.ts';
import { grpo } from '../../compute/objectives/grpo.ts';
import { encodePrompt, type PromptEncoder } from '../../compute/models/prompt.ts';
import { encodeQuestion } from '../../compute/rollout/prompts.ts';
import type { Picture, Question } from '../../protocol/messages.ts';
import { computeOf, devicesOf, engineOf, mostOnOne } from './devices.ts';
import { passLimit, rolloutRowsOf, type PolicyConfig } from './open.ts';

const SIDE = 448;
const PICTURE: Picture = { width: SIDE, height: SIDE, channels: 3, data: new Uint8Array(3 * SIDE * SIDE) };
const TEXT = 'Find the length of the side that is marked x.';

/**
 * Loads TF.js.
 * @param questions the longest of them counts; without any, a usual question does: a picture and a line.
 * @throws InputError for a model that cannot be read.
 */
export async function memoryOfRun(config: PolicyConfig, questions: readonly Question[] = []): Promise<Memory> {
  const { memoryOf } = await import('../../compute/memory.ts');
  const { model, settings } = await typicalPass(config, questions);
  return memoryOf(model, settings);
}

/** Loads TF.js and ONNX Runtime. @throws InputError for a model that cannot be read, or settings that do not fit. */
export async function kernelsOfRun(config: PolicyConfig): Promise<KernelReport & { readonly compute: Compute }> {
  const { reportKernels } = await import('../../compute/kernel-report.ts');
  const engine = engineOf(config.workers);
  const compute = computeOf(config.workers, engine);
  const { model, settings } = await typicalPass(config, []);
  return { ...(await reportKernels(engine, model, settings)), compute };
}

/** The objective hardly matters, so GRPO stands for each. */
async function typicalPass(
  config: PolicyConfig,
  questions: readonly Question[],
): Promise<{ readonly model: Model; readonly settings: MemorySettings }> {
  const { model: folder, promptTemplate: template, prompt, pictures } = config;
  const encoder = {
    ...(await loadPromptEncoder(folder)),
    template,
    system: prompt.system ?? undefined,
    maxPictureTokens: pictures.maxTokens,
  };
  const settings = settingsOf(config, await longest(encoder, questions));
  return { model: await withNetwork(encoder.model), settings };
}

async function longest(encoder: PromptEncoder, questions: readonly Question[]): Promise<EncodedPrompt> {
  const prompts: EncodedPrompt[] = [];
  for (const question of questions) {
    // The loop reports a question that cannot be asked, when it asks it.
    const encoded = await encodeQuestion(encoder, question).catch(() => undefined);
    if (encoded) prompts.push(encoded);
  }
  const [first] = prompts.sort((a, b) => b.ids.length - a.ids.length);
  if (first) return first;
  const text = encoder.template?.replace('{question}', () => TEXT) ?? TEXT;
  return encodePrompt(encoder, { text, pictures: encoder.model.vision ? [PICTURE] : [] });
}

function settingsOf(config: PolicyConfig, prompt: EncodedPrompt): MemorySettings {
  const { learner, sampling, workers } = config;
  const { samples, maxNewTokens, temperature } = sampling;
  const devices = devicesOf(workers);
  return {
    adapter: learner.adapter.type === 'none' ? undefined : learner.adapter,
    loss: grpo.loss({ ...learner, objective: { type: 'grpo' }, temperature, maxNewTokens }),
    saving: learner.recompute ? { recompute: true } : {},
    prompt,
    samples,
    responseTokens: maxNewTokens,
    groups: Math.ceil(config.loop.batchGroups / learner.minibatches),
    pass: passLimit(config),
    rolloutQuestions: Math.max(1, Math.floor(rolloutRowsOf(config) / samples)),
    sharesPrompt: kindOf(devices.rollout[0]!) !== 'cuda',
    samplers: mostOnOne(devices.rollout),
    learners: mostOnOne(devices.learner),
    compute: computeOf(workers, devices.learner[0]!),
  };
}
