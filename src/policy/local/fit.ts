/** Makes a run fit into memory: chooses how many responses are decoded at once, or says what else would help. */
import { kindOf } from '../../compute/engine/engine.ts';
import type { Memory } from '../../compute/memory.ts';
import { adapterSettings } from '../../compute/models/adapters.ts';
import { gigabytes } from '../../lib/free-space.ts';
import type { Question } from '../../protocol/messages.ts';
import { InputError } from '../../protocol/errors.ts';
import { memoryOfRun } from './memory.ts';
import { devicesOf, mostOnOne } from './devices.ts';
import { groupsAPass, rolloutRowsOf, type PolicyConfig } from './open.ts';

export interface Fit {
  /** Responses that a sampler decodes at once. */
  readonly rows: number;
  /** Bytes that the run takes. */
  readonly needed: number;
  /** Bytes of weights in files, which the system reads again where memory is short. */
  readonly mapped: number;
}

/** Bytes that the parts come to where the run's programs are: on the GPU, or in this process. */
export async function neededBytes(config: PolicyConfig, parts: Memory): Promise<Pick<Fit, 'needed' | 'mapped'>> {
  const { deviceBytes, hostBytes } = await import('../../compute/memory.ts');
  const { rollout, learner } = devicesOf(config.workers);
  if (kindOf(learner[0]!) === 'cuda') {
    const threads = { samplers: mostOnOne(rollout), learners: mostOnOne(learner) };
    return { needed: deviceBytes(parts, threads), mapped: 0 };
  }
  const { own, mapped } = hostBytes(parts);
  return { needed: own, mapped };
}

/**
 * Halves the questions that a sampler asks at once until the run fits, unless `workers.rolloutRows` is set. @throws
 * InputError that says what is missing and which settings would fit.
 */
export async function fit(config: PolicyConfig, questions: readonly Question[], free: number): Promise<Fit> {
  const { samples } = config.sampling;
  for (let rows = rolloutRowsOf(config); ; rows = samples * Math.max(1, Math.floor(rows / samples / 2))) {
    const tried = withRows(config, rows);
    const parts = await memoryOfRun(tried, questions);
    const bytes = await neededBytes(tried, parts);
    if (bytes.needed <= free) return { rows, ...bytes };
    if (rows <= samples || config.workers.rolloutRows !== null)
      throw new InputError(await refusal(tried, { questions, free, needed: bytes.needed, parts }));
  }
}

interface Missing {
  readonly questions: readonly Question[];
  readonly free: number;
  readonly needed: number;
  readonly parts: Memory;
}

async function refusal(config: PolicyConfig, { questions, free, needed, parts }: Missing): Promise<string> {
  const would: string[] = [];
  let least = needed;
  for (const [words, changed] of smallerRuns(config)) {
    const bytes = await neededBytes(changed, await memoryOfRun(changed, questions));
    if (bytes.needed <= free) would.push(`${words} (${gigabytes(bytes.needed)})`);
    least = Math.min(least, bytes.needed);
  }
  const where = kindOf(devicesOf(config.workers).learner[0]!) === 'cuda' ? 'of the GPU' : 'of memory';
  const limit = config.workers.memoryGigabytes === null ? 'are free' : 'may be taken (`workers.memoryGigabytes`)';
  const help =
    would.length > 0
      ? `What would fit: ${would.join('; ')}`
      : `None of the settings that save memory is enough alone, the best of them needs ${gigabytes(least)}: combine several, use a smaller model, or more memory`;
  return `the run would take about ${gigabytes(needed)} ${where}, and ${gigabytes(free)} ${limit}: ${largest(parts)}. ${help}`;
}

/** Runs that take less memory, each by one other setting, under that setting. */
function smallerRuns(config: PolicyConfig): [string, PolicyConfig][] {
  const { sampling, learner, loop, pictures } = config;
  const groups = groupsAPass(config);
  const minibatches = Math.min(1_024, Math.ceil(loop.batchGroups / half(groups)));
  const samples = Math.max(2, half(sampling.samples));
  const maxNewTokens = half(sampling.maxNewTokens);
  const maxTokens = half(pictures.maxTokens);
  const runs: [string, boolean, PolicyConfig][] = [
    [`learner.minibatches ${minibatches}`, groups > 1, withLearner(config, { minibatches })],
    ['learner.recompute true', !learner.recompute, withLearner(config, { recompute: true })],
    ...smallerAdapters(config),
    [
      `sampling.samples ${samples}`,
      samples < sampling.samples,
      withRows({ ...config, sampling: { ...sampling, samples } }, samples),
    ],
    [`sampling.maxNewTokens ${maxNewTokens}`, true, { ...config, sampling: { ...sampling, maxNewTokens } }],
    [`pictures.maxTokens ${maxTokens}`, true, { ...config, pictures: { ...pictures, maxTokens } }],
  ];
  return runs.filter(([, isSmaller]) => isSmaller).map(([setting, , run]) => [setting, run]);
}

function smallerAdapters(config: PolicyConfig): [string, boolean, PolicyConfig][] {
  const { adapter } = config.learner;
  if (adapter.type === 'none') {
    const lora = adapterSettings.parse({ type: 'lora' });
    return [['learner.adapter.type lora', true, withLearner(config, { adapter: lora })]];
  }
  const rank = half(adapter.rank);
  return [
    [`learner.adapter.rank ${rank}`, rank < adapter.rank, withLearner(config, { adapter: { ...adapter, rank } })],
  ];
}

const half = (value: number): number => Math.max(1, Math.floor(value / 2));

function withLearner(config: PolicyConfig, change: Partial<PolicyConfig['learner']>): PolicyConfig {
  return { ...config, learner: { ...config.learner, ...change } };
}

function withRows(config: PolicyConfig, rolloutRows: number): PolicyConfig {
  return { ...config, workers: { ...config.workers, rolloutRows } };
}

/** The three largest parts, in words. */
function largest(parts: Memory): string {
  const { frozen: _, ...counted } = parts;
  const sorted = Object.entries(counted).sort(([, a], [, b]) => b - a);
  return sorted
    .slice(0, 3)
    .map(([name, size]) => `${name} ${gigabytes(size)}`)
    .join(', ');
}
