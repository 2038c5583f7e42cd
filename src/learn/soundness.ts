/**
 * Bounds that no step of a learning policy comes near: a step beyond one of them was made from the wrong thing (another
 * question's picture, log-probabilities of another model), and is not taken. A collapse stays far below them; detecting
 * it is the guardian's task.
 *
 * - KL, nats a token (k3): runs of the bundled model have 0 to 0.3. Two policies of a vocabulary of 150,000 that know nothing of each other differ by 12; the
 *   estimate's tail, exp(d) - d - 1 of a single token, is averaged over thousands.
 * - ratio pi / mu: its mean is 1 by its definition, and 0.99 to 1.01 in these runs.
 * - loss: the policy's part is at most 3 advantages (dual clip), of about 1 each; -0.4 to 0.1.
 * - gradient norm, before it is clipped: 0.5 to 3.
 */
import { UnsoundStepError } from '../protocol/errors.ts';
import type { StepMetrics } from '../protocol/messages.ts';

const BOUNDS = [
  { name: 'kl', words: 'KL to the base', least: -1, most: 100 },
  { name: 'ratio', words: 'mean importance ratio', least: 0.001, most: 1_000 },
  { name: 'loss', words: 'loss', least: -1_000, most: 1_000 },
  { name: 'gradNorm', words: 'gradient norm', least: 0, most: 1_000_000 },
] as const;

/**
 * @throws UnsoundStepError naming each number that is beyond its bound or not finite. Call before the step's version is
 * published.
 */
export function checkSound(metrics: StepMetrics): void {
  const wrong = BOUNDS.flatMap(({ name, words, least, most }) => {
    const value = metrics[name];
    return value >= least && value <= most ? [] : [`its ${words} is ${value} (bounds: ${least} to ${most})`];
  });
  if (wrong.length > 0)
    throw new UnsoundStepError(`the step is not sound and was not taken: ${wrong.join(', ')}`, { metrics });
}
