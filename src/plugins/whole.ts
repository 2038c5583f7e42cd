/**
 * Denies the vote to a response whose work is not whole: a step that starts from nowhere, a number that it lists and does
 * not use, a result that leads nowhere, an answer that is not the last result, or less work than the question's other
 * responses show. Alone it lets wrong sums through. Use it with `equations`.
 */
import { API_VERSION, checkWhole, definePlugin } from 'quorum';

export default definePlugin({
  name: 'whole',
  apiVersion: API_VERSION,
  ports: {
    check:
      () =>
      ({ group }) =>
        checkWhole(group.samples.map(({ text }) => text)),
  },
});
