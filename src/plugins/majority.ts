/**
 * The vote itself: 1 for an answer of the class with most votes, else 0 (MM-UPT, arXiv 2505.22453). To combine with
 * other rewards.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'majority',
  apiVersion: API_VERSION,
  ports: {
    reward:
      () =>
      ({ votes }) =>
        votes,
  },
});
