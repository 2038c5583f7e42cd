/**
 * Each answer earns its frequency, the size of its class / G, as in EMPO (arXiv 2504.05812), while the vote rewards one
 * winner. A response without an answer earns 0.
 */
import { API_VERSION, definePlugin } from 'quorum';

export default definePlugin({
  name: 'soft-vote',
  apiVersion: API_VERSION,
  ports: {
    reward:
      () =>
      ({ classes }) => {
        const size = (own: number): number => classes.filter((other) => other === own).length;
        return classes.map((own) => (own < 0 ? 0 : size(own) / classes.length));
      },
  },
});
