/**
 * Measures sampling in tokens a second, through the loop's own threads: 64 questions x G 10, prompts included, at each
 * number of threads in turn.
 */
import { parseConfig } from '../src/config/load.ts';
import { rolloutSpeeds } from '../src/cli/rollout-speed.ts';
import type { Row } from './measure.ts';

const QUESTIONS = 64;

export async function benchRollout(model: string, threads: readonly number[], runs: number): Promise<Row[]> {
  const config = parseConfig({ model });
  const speeds = await rolloutSpeeds(config, { threads, questions: QUESTIONS, rounds: runs });
  const note = `${QUESTIONS} questions x ${config.sampling.samples}, without the base's log-probabilities`;
  return speeds.flatMap(({ threads: count, tokensPerSecond, ratio }) => {
    const name = `rollout, ${count} ${count === 1 ? 'thread' : 'threads'}`;
    const rate: Row = { name, value: tokensPerSecond, unit: 'tokens/s', note };
    return count === 1
      ? [rate]
      : [rate, { name: `${name} over 1`, value: ratio, unit: 'x', note: `median of ${runs} rounds in turn` }];
  });
}
