/** Tokens a second of sampling, through the policy that the loop samples with: 64 questions x G 10, prompts, scoring by the base and all. */
import { parseConfig } from '../src/config/load.ts';
import { openFigures } from '../src/data/figures/dataset.ts';
import { localPolicy } from '../src/policy/open.ts';
import { median, type Row } from './measure.ts';

const QUESTIONS = 64;

export async function benchRollout(model: string, threads: number, runs: number): Promise<Row[]> {
  const config = parseConfig({ model, workers: { rolloutThreads: threads }, loop: { jobQuestions: QUESTIONS } });
  const { dataset } = openFigures({ pool: 'train', pictures: QUESTIONS, questions: 'one' });
  const questions = Array.from({ length: QUESTIONS }, (_, i) => dataset.question(i));
  await using policy = localPolicy(config);
  const { version } = await policy.open();
  const rates: number[] = [];
  for (let seed = 0; seed <= runs; seed++) {
    const started = performance.now();
    const { newTokens } = await policy.sample({ questions, params: config.sampling, seed, version });
    rates.push(newTokens / ((performance.now() - started) / 1000));
  }
  const note = `${QUESTIONS} questions x ${config.sampling.samples}, base log-probabilities included`;
  return [{ name: `rollout, ${threads} ${threads === 1 ? 'thread' : 'threads'}`, value: median(rates.slice(1)), unit: 'tokens/s', note }];
}
