/** Makes a run fit into memory: how many responses are decoded and learnt from at once, or what else would help. */
import type { Peaks } from '../../compute/memory/estimate.ts';
import type { Parts } from '../../compute/memory/places.ts';
import { adapterSettings } from '../../compute/models/adapters.ts';
import { gigabytes } from '../../lib/free-space.ts';
import type { Question } from '../../protocol/messages.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Place } from './devices.ts';
import { memoryOfRun, smallerPasses, type Needs } from './memory.ts';
import { groupsAPass, rolloutRowsOf, type PolicyConfig } from './open.ts';

/** Bytes that the run may take in each place; a place without a number has enough. */
export type Free = { readonly [P in Place]?: number };

export interface Fit {
  /** Responses that a sampler decodes at once. */
  readonly rows: number;
  /** `learner.passTokens`. */
  readonly passTokens: number | 'auto';
  readonly needs: readonly Needs[];
}

/**
 * Asks fewer questions at once, and then lets `auto` take smaller passes, until the run fits; `workers.rolloutRows` and
 * `learner.passTokens` stay as they are where they are set. @throws InputError that says what is missing and which
 * settings would fit.
 */
export async function fit(config: PolicyConfig, questions: readonly Question[], free: Free): Promise<Fit> {
  const peaks: Peaks = new Map();
  const needsOf = (run: PolicyConfig): Promise<readonly Needs[]> => memoryOfRun(run, questions, peaks);
  const fits = async (run: PolicyConfig): Promise<boolean> => lacking(await needsOf(run), free) === undefined;
  const rows = rowsOf(config);
  const runs = (await passesOf(config, questions)).map((passTokens) => withLearner(config, { passTokens }));
  const run = await firstThat(runs, (each) => fits(withRows(each, rows.at(-1)!)));
  const smallest = withRows(runs.at(-1)!, rows.at(-1)!);
  if (!run) throw new InputError(await refusal(smallest, free, needsOf));
  const most = (await firstThat(rows, (each) => fits(withRows(run, each))))!;
  return { rows: most, passTokens: run.learner.passTokens, needs: await needsOf(withRows(run, most)) };
}

/** From the most rows to those of one question. */
function rowsOf(config: PolicyConfig): number[] {
  const { samples } = config.sampling;
  const all = [rolloutRowsOf(config)];
  if (config.workers.rolloutRows === null)
    for (let rows = all[0]!; rows > samples; all.push(rows)) rows = samples * half(Math.floor(rows / samples));
  return all;
}

/** From the largest passes to those of one response. */
async function passesOf(config: PolicyConfig, questions: readonly Question[]): Promise<(number | 'auto')[]> {
  const { passTokens } = config.learner;
  return passTokens === 'auto' ? ['auto', ...(await smallerPasses(config, questions))] : [passTokens];
}

/** The first item that passes, by bisection: every item after one that passes must pass too. */
async function firstThat<T>(list: readonly T[], passes: (each: T) => Promise<boolean>): Promise<T | undefined> {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (await passes(list[middle]!)) to = middle;
    else from = middle + 1;
  }
  return list[from];
}

/** The first place that the run does not fit into. */
function lacking(needs: readonly Needs[], free: Free): Needs | undefined {
  return needs.find(({ place, needed }) => needed > (free[place] ?? Infinity));
}

async function refusal(
  config: PolicyConfig,
  free: Free,
  needsOf: (run: PolicyConfig) => Promise<readonly Needs[]>,
): Promise<string> {
  const missing = lacking(await needsOf(config), free)!;
  const { place, needed, parts } = missing;
  const would: string[] = [];
  let least = needed;
  for (const [words, changed] of smallerRuns(config)) {
    const needs = await needsOf(changed);
    const own = needs.find((each) => each.place === place)!;
    if (!lacking(needs, free)) would.push(`${words} (${gigabytes(own.needed)})`);
    least = Math.min(least, own.needed);
  }
  const where = place === 'host' ? 'of memory' : `of the memory of ${place}`;
  const isBound = config.workers.memoryGigabytes !== null && free[place] === 1e9 * config.workers.memoryGigabytes;
  const limit = isBound ? 'may be taken (`workers.memoryGigabytes`)' : 'are free';
  const help =
    would.length > 0
      ? `What would fit: ${would.join('; ')}`
      : `None of the settings that save memory is enough alone, the best of them needs ${gigabytes(least)}: combine several, use a smaller model, or more memory`;
  return `the run would take about ${gigabytes(needed)} ${where}, and ${gigabytes(free[place]!)} ${limit}: ${largest(parts)}. ${help}`;
}

/** Runs that take less memory, each by one other setting, under that setting. */
function smallerRuns(config: PolicyConfig): [string, PolicyConfig][] {
  const { sampling, learner, loop, pictures } = config;
  const { passTokens } = learner;
  const groups = groupsAPass(config);
  const minibatches = Math.min(1_024, Math.ceil(loop.batchGroups / half(groups)));
  const samples = Math.max(2, half(sampling.samples));
  const maxNewTokens = half(sampling.maxNewTokens);
  const maxTokens = half(pictures.maxTokens);
  const runs: [string, boolean, PolicyConfig][] = [
    [`learner.minibatches ${minibatches}`, groups > 1, withLearner(config, { minibatches })],
    ...(passTokens === 'auto'
      ? []
      : [
          [`learner.passTokens ${half(passTokens)}`, true, withLearner(config, { passTokens: half(passTokens) })] as [
            string,
            boolean,
            PolicyConfig,
          ],
        ]),
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
function largest(parts: Parts): string {
  const sorted = Object.entries(parts).sort(([, a], [, b]) => b - a);
  return sorted
    .slice(0, 3)
    .map(([name, size]) => `${name} ${gigabytes(size as number)}`)
    .join(', ');
}
