/** A plug-in that holds every port and changes nothing: what is left is what a plug-in costs. */
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
