/**
 * Bounds that no step of a learning policy comes near: a step beyond one of them was made from the wrong thing (another
 * question's picture, log-probabilities of another model), and is not taken. A collapse stays far below them; detecting
 * it is the guardian's task.
 *
 * - KL, nats a token (k3): runs of the bundled model have 0 to 0.3. Two policies of a vocabulary of 150,000 that know nothing of each other differ by 12; the
 *   estimate's tail, exp(d) - d - 1 of a single token, is averaged over thousands.
 * - ratio pi / mu: its mean is 1 by its definition, and 0.99 to 1.01 in these runs.
 * - loss: the policy's part is at most 3 advantages (dual clip), of about 1 each; -0.4 to 0.1.
 * - distance of the log-probabilities of sampler and learner, mean, nats: rounding, 1e-6 on the processor; with stale
 *   groups or bfloat16 0.01 to 0.1. At 5 the sampler answers with another policy.
 * - gradient norm, before it is clipped: 0.5 to 3.
 */
import { UnsoundStepError } from '../protocol/errors.ts';
import type { Batch, StepMetrics } from '../protocol/messages.ts';

const BOUNDS = [
  { name: 'kl', words: 'KL to the base', least: -1, most: 100 },
  { name: 'ratio', words: 'mean importance ratio', least: 0.001, most: 1_000 },
  { name: 'loss', words: 'loss', least: -1_000, most: 1_000 },
  { name: 'samplerGap', words: 'mean distance of the log-probabilities of learner and sampler', least: 0, most: 5 },
  { name: 'gradNorm', words: 'gradient norm', least: 0, most: 1_000_000 },
] as const;

/**
 * @throws UnsoundStepError naming each number that is beyond its bound or not finite. Call before the step's version is
 * published.
 */
export function checkSound(metrics: StepMetrics): void {
  const wrong = BOUNDS.flatMap(({ name, words, least, most }) => {
    const value = metrics[name];
    return value === undefined || (value >= least && value <= most)
      ? []
      : [`its ${words} is ${value} (bounds: ${least} to ${most})`];
  });
  if (wrong.length > 0)
    throw new UnsoundStepError(`the step is not sound and was not taken: ${wrong.join(', ')}`, { metrics });
}

/** The mean distance of the log-probabilities, in nats, above which a step without a stale group is worth a warning. */
const GAP_TO_TELL = 0.1;

/**
 * Returns a warning when the sampler of a batch computes other log-probabilities than the learner; undefined when they
 * agree, and when the distance has a known cause (a stale group, top-k).
 */
export function gapWarning(
  { parent, groups }: Pick<Batch, 'parent' | 'groups'>,
  { samplerGap, samplerGapMax }: Pick<StepMetrics, 'samplerGap' | 'samplerGapMax'>,
  { topP, topK }: { readonly topP: number; readonly topK: number },
): string | undefined {
  const isStale = groups.some(({ group }) => group.policyVersion !== parent);
  // What top-p keeps has at least that mass, so its log-probabilities are at most -log top-p too large.
  const bound = GAP_TO_TELL - Math.log(topP);
  if (samplerGap === undefined || samplerGap <= bound || isStale || topK > 0) return undefined;
  const [mean, most] = [samplerGap, samplerGapMax ?? samplerGap].map((nats) => Number(nats.toPrecision(2)));
  return `the log-probabilities of sampler and learner differ by ${mean} nats a token (at most ${most}) at version ${parent}, although no group is stale: they run different programs or weights; \`learner.correction\` {type: truncated, groups: all} corrects for it`;
}
