/**
 * The policy's confidence in its own response, without any vote (RLIF, "Intuitor", arXiv 2505.19590; self-certainty,
 * arXiv 2502.18581). There it is the mean over tokens of KL(uniform || policy), which takes the whole distribution at
 * each token. Here only the log-probabilities of the tokens that were sampled are known, so it is their mean: negative,
 * in nats a token, 0 for a response that had no alternative. A response without a vote earns the least of its group.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'self-certainty',
  apiVersion: API_VERSION,
  ports: {
    reward:
      () =>
      ({ group, classes }) => {
        const means = group.samples.map(
          ({ logprobs }) => logprobs.reduce((sum, value) => sum + value, 0) / Math.max(1, logprobs.length),
        );
        const least = Math.min(...means);
        return means.map((mean, i) => (classes[i]! < 0 ? least : mean));
      },
  },
});
