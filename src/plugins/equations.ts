/**
 * Denies the vote to a response that writes a false equation: `3+8=12`, `\frac{1}{3} = 0.34`. Alone it is worse than no
 * check: a response that writes fewer equations passes more often. Use it with `whole`.
 */
import { API_VERSION, checkEquations, definePlugin } from 'quorum';

export default definePlugin({
  name: 'equations',
  apiVersion: API_VERSION,
  ports: {
    check:
      () =>
      ({ group }) =>
        group.samples.map(({ text }) => checkEquations(text)),
  },
});
