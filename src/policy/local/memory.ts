/** What a run with this configuration takes of memory, from the programs that it would run. */
import { loadPromptEncoder } from '../../compute/models/folder.ts';
import { withNetwork, type EncodedPrompt, type Model } from '../../compute/models/family.ts';
import { kindOf, type Compute, type EngineKind, type EngineName } from '../../compute/engine/engine.ts';
import type { KernelReport } from '../../compute/kernel-report.ts';
import type { MemorySettings, Peaks, ThreadMemory } from '../../compute/memory/estimate.ts';
import { deviceMemory, hostMemory, totalOf, type Parts } from '../../compute/memory/places.ts';
import { grpo } from '../../compute/objectives/grpo.ts';
import { encodePrompt, type PromptEncoder } from '../../compute/models/prompt.ts';
import { largestPass, type PassLimit } from '../../compute/training/passes.ts';
import { encodeQuestion } from '../../compute/rollout/prompts.ts';
import type { Picture, Question } from '../../protocol/messages.ts';
import { computeOf, devicesOf, engineOf, threadsOnGpus, type Place } from './devices.ts';
import { passLimit, rolloutRowsOf, type PolicyConfig } from './open.ts';

const SIDE = 448;
const PICTURE: Picture = { width: SIDE, height: SIDE, channels: 3, data: new Uint8Array(3 * SIDE * SIDE) };
const TEXT = 'Find the length of the side that is marked x.';

/** What a run takes in one place. */
export interface Needs {
  readonly place: Place;
  readonly parts: Parts;
  /** Bytes that the parts come to. */
  readonly needed: number;
  /** Bytes of weights in files, which the system reads again where memory is short. */
  readonly mapped: number;
}

/**
 * Loads TF.js. The host is the first place, and each GPU that the run uses another.
 * @param questions the longest of them counts; without any, a usual question does: a picture and a line.
 * @param peaks kept between calls, saves tracing the programs that do not change
 * @throws InputError for a model that cannot be read.
 */
export async function memoryOfRun(
  config: PolicyConfig,
  questions: readonly Question[] = [],
  peaks?: Peaks,
): Promise<readonly [Needs, ...Needs[]]> {
  const { memoryOf } = await import('../../compute/memory/estimate.ts');
  const { model, prompt } = await typical(config, questions);
  const known = new Map<EngineKind, ThreadMemory>();
  const on = (kind: EngineKind): ThreadMemory => {
    const found = known.get(kind) ?? memoryOf(model, settingsOf(config, prompt, kind), peaks);
    known.set(kind, found);
    return found;
  };
  const devices = devicesOf(config.workers);
  const { rollout, learner } = devices;
  const onHost = (names: readonly EngineName[]): EngineName[] => names.filter((name) => kindOf(name) !== 'cuda');
  const [all, own] = [
    { learners: learner.length, samplers: rollout.length },
    { learners: onHost(learner).length, samplers: onHost(rollout).length },
  ];
  const [first] = onHost([...learner, ...rollout]);
  const host = hostMemory(on(kindOf(first ?? learner[0]!)), all, own);
  const gpus = [...threadsOnGpus(devices)].map(([place, threads]): Needs => {
    const parts = deviceMemory(on('cuda'), threads);
    return { place, parts, needed: totalOf(parts), mapped: 0 };
  });
  return [{ place: 'host', ...host, needed: totalOf(host.parts) }, ...gpus];
}

/**
 * Budgets of tokens for passes smaller than those of `auto`, each of half the groups of the one before, and then of half
 * a group's responses, down to one.
 */
export async function smallerPasses(config: PolicyConfig, questions: readonly Question[]): Promise<number[]> {
  const { prompt } = await typical(config, questions);
  const { groups, samples, responseTokens, ...rest } = settingsOf(config, prompt, 'cpu');
  const largest = (pass: PassLimit) => largestPass({ pass, groups, samples }, prompt, responseTokens);
  const budgets: number[] = [];
  for (let now = largest(rest.pass); now.groups > 1 || now.samples > 1; now = largest({ tokens: budgets.at(-1)! }))
    budgets.push(
      now.groups > 1 ? Math.floor(now.tokens / 2) : now.tokens - Math.floor(now.samples / 2) * now.responseLength,
    );
  return budgets;
}

/** Loads TF.js and ONNX Runtime. @throws InputError for a model that cannot be read, or settings that do not fit. */
export async function kernelsOfRun(config: PolicyConfig): Promise<KernelReport & { readonly compute: Compute }> {
  const { reportKernels } = await import('../../compute/kernel-report.ts');
  const engine = engineOf(config.workers);
  const compute = computeOf(config.workers, engine);
  const { model, prompt } = await typical(config, []);
  const settings = settingsOf(config, prompt, kindOf(engine));
  return { ...(await reportKernels(engine, model, settings)), compute };
}

async function typical(
  config: PolicyConfig,
  questions: readonly Question[],
): Promise<{ readonly model: Model; readonly prompt: EncodedPrompt }> {
  const { model: folder, promptTemplate: template, prompt, pictures } = config;
  const encoder = {
    ...(await loadPromptEncoder(folder)),
    template,
    system: prompt.system ?? undefined,
    maxPictureTokens: pictures.maxTokens,
  };
  return { model: await withNetwork(encoder.model), prompt: await longest(encoder, questions) };
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

/** The objective hardly matters, so GRPO stands for each. */
function settingsOf(config: PolicyConfig, prompt: EncodedPrompt, kind: EngineKind): MemorySettings {
  const { learner, sampling, workers } = config;
  const { samples, maxNewTokens, temperature } = sampling;
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
    atOnce: kind === 'cuda',
    compute: computeOf(workers, kind),
  };
}
