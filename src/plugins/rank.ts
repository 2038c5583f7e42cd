/**
 * Advantages from the order of the rewards alone: centred ranks, evenly spaced from -1 to 1 (as evolution strategies
 * shape fitness, arXiv 1703.03864). For rewards whose scale means little, such as log-probabilities. Equal rewards
 * share the mean of their ranks.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'rank',
  apiVersion: API_VERSION,
  ports: {
    advantage:
      () =>
      ({ rewards }) =>
        rewards.map((own) => {
          const below = rewards.filter((other) => other < own).length;
          const above = rewards.filter((other) => other > own).length;
          return (below - above) / Math.max(1, rewards.length - 1);
        }),
  },
});
