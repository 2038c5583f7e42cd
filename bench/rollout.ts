/**
 * Measures sampling in tokens a second, 64 questions x G 10, prompts included: through the loop's own threads at each
 * number of threads in turn, and as one graph against a run a token, in turn.
 */
import { parseConfig } from '../src/config/load.ts';
import { rolloutSpeeds } from '../src/cli/rollout-speed.ts';
import { createEngine } from '../src/compute/engine/engines.ts';
import { loadGenerationConfig, loadModelFolder } from '../src/compute/models/folder.ts';
import { generate } from '../src/compute/rollout/generate.ts';
import { encodeQuestions } from '../src/compute/rollout/prompts.ts';
import { openFigures } from '../src/data/figures/dataset.ts';
import { median } from '../src/lib/median.ts';
import type { Row } from './measure.ts';

const QUESTIONS = 64;

export async function benchRollout(model: string, threads: readonly number[], runs: number): Promise<Row[]> {
  const config = parseConfig({ model });
  const speeds = await rolloutSpeeds(config, {
    threads,
    questions: QUESTIONS,
    rounds: runs,
    responses: { samples: 10, maxNewTokens: 28 },
  });
  const note = `${QUESTIONS} questions x ${config.sampling.samples}, without the base's log-probabilities`;
  return speeds.flatMap(({ threads: count, tokensPerSecond, ratio }) => {
    const name = `rollout, ${count} ${count === 1 ? 'thread' : 'threads'}`;
    const rate: Row = { name, value: tokensPerSecond, unit: 'tokens/s', note };
    return count === 1
      ? [rate]
      : [rate, { name: `${name} over 1`, value: ratio, unit: 'x', note: `median of ${runs} rounds in turn` }];
  });
}

/** One graph a rollout over one run a token, on one thread of the processor. */
export async function benchAtOnce(model: string, runs: number): Promise<Row[]> {
  const folder = await loadModelFolder(model);
  const { eosTokenIds } = await loadGenerationConfig(model, folder.model);
  const { dataset } = openFigures({ pool: 'train', pictures: QUESTIONS, questions: 'one' });
  const questions = Array.from({ length: QUESTIONS }, (_, i) => dataset.question(i));
  const prompts = await encodeQuestions(folder, questions);
  const requests = questions.map(({ id }, i) => ({ id, prompt: prompts[i]! }));
  await using engine = await createEngine('cpu', { threads: 1, cachePrograms: 64 });
  const params = { ...parseConfig({}).sampling, samples: 10, maxNewTokens: 28 };
  const running = { engine, model: folder.model, weights: folder.params };
  const options = { params, stopTokens: new Set(eosTokenIds), version: 0, maxRows: QUESTIONS * params.samples };
  const rates: Record<'byStep' | 'atOnce', number[]> = { byStep: [], atOnce: [] };
  for (let seed = 0; seed <= runs; seed++) {
    for (const way of ['byStep', 'atOnce'] as const) {
      const started = performance.now();
      const groups = await generate(running, requests, { ...options, seed, atOnce: way === 'atOnce' });
      const tokens = groups.flat().reduce((sum, sample) => sum + sample.tokens.length, 0);
      // The first round compiles.
      if (seed > 0) rates[way].push((1000 * tokens) / (performance.now() - started));
    }
  }
  const ratio = median(rates.atOnce.map((rate, round) => rate / rates.byStep[round]!));
  const note = `${QUESTIONS} questions x ${params.samples}, engine cpu, 1 thread`;
  return [
    { name: 'rollout, a run a token', value: median(rates.byStep), unit: 'tokens/s', note },
    { name: 'rollout, one graph', value: median(rates.atOnce), unit: 'tokens/s', note },
    { name: 'one graph over a run a token', value: ratio, unit: 'x', note: `median of ${runs} rounds in turn` },
  ];
}
