/**
 * 1 for the right answer, else 0: supervised GRPO (RLVR). It reads labels, so list it as `{ use:
 * 'quorum/plugins/labels', labels: true }`. A question without a label is left to the next reward listed, finally to
 * the vote.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'labels',
  apiVersion: API_VERSION,
  ports: {
    reward:
      ({ label, classify }) =>
      async ({ group, answers }) => {
        const truth = label(group.question.id);
        if (truth === undefined) return undefined;
        const [right, ...classes] = await classify([truth, ...answers]);
        return { rewards: classes.map((own) => Number(own === right)), verified: true };
      },
  },
});
