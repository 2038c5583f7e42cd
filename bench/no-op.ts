/** A plug-in that serves every port and changes nothing, so that only the cost of calling a plug-in remains. */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'no-op',
  apiVersion: API_VERSION,
  ports: {
    ask: ({ next }) => next,
    sample: ({ next }) => next,
    judge: ({ next }) => next,
    learn: ({ next }) => next,
    evaluate: ({ next }) => next,
    synthesize: ({ next }) => next,
    reward:
      () =>
      ({ votes }) =>
        votes,
    advantage: ({ next }) => next,
    filter: () => () => undefined,
    watch: () => () => {},
    export: () => () => {},
    panel: () => () => ({ title: 'Nothing', blocks: [] }),
  },
});
