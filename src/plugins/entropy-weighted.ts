/**
 * The vote, weighted by how sure the group is: votes * (1 - H / log G), with H the entropy of the answers' distribution
 * over classes. The linear form of SEED-GRPO (arXiv 2505.12346), which scales the advantages; we scale the rewards,
 * which is the same when advantages are not divided by the group's standard deviation. List `quorum/plugins/dr-grpo`
 * too: the division would cancel the weight.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'entropy-weighted',
  apiVersion: API_VERSION,
  ports: {
    reward:
      () =>
      ({ votes, classes }) => {
        const weight = certainty(classes);
        return votes.map((vote) => vote * weight);
      },
  },
});

/**
 * 1 when all agree, 0 when no two do. A response without an answer agrees with no other, so each counts as its own
 * class.
 */
function certainty(classes: readonly number[]): number {
  if (classes.length < 2) return 1;
  const sizes = new Map<number, number>();
  classes.forEach((own, i) => {
    const key = own < 0 ? -1 - i : own;
    sizes.set(key, (sizes.get(key) ?? 0) + 1);
  });
  const shares = [...sizes.values()].map((size) => size / classes.length);
  const entropy = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(classes.length)));
}
