/**
 * reward - mean of the group, not divided by its standard deviation (Dr. GRPO, arXiv 2503.20783): the division gives
 * nearly unanimous groups more weight, and cancels any weight that a reward gives to a whole group.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'dr-grpo',
  apiVersion: API_VERSION,
  ports: {
    advantage:
      () =>
      ({ rewards }) => {
        // Rounding of the mean must not make equal rewards unequal.
        if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
        const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
        return rewards.map((reward) => reward - mean);
      },
  },
});
