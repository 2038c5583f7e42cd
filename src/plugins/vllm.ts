/**
 * Samples with vLLM servers (0.32 or later) that serve the run's own model folder; everything else of the run stays as
 * it is. Each question is a chat completion with its pictures as data, which answers G samples as token ids with their
 * log-probabilities. A version of an adapter is loaded under a name of its own, so that two versions can be in use; a
 * version of a whole model replaces the weights in `modelFolder`. Requests go to the server with the fewest in hand. An
 * answer of 408, 429 or 5xx, none in time, a lost connection and an answer that makes no sense are tried again, with
 * back-off, on the server that is ready first; a server that restarted gets its version again. When all attempts fail the
 * actor restarts, and past its budget the run's own sampler takes over. docs/machines.md says how to start the servers.
 */
import { API_VERSION, definePlugin } from 'quorum';
import { Fleet } from './vllm/fleet.ts';
import { options } from './vllm/options.ts';
import { Shared } from './vllm/shared.ts';

const fleets = new Shared<Fleet>();

export default definePlugin({
  name: 'vllm',
  apiVersion: API_VERSION,
  options,
  ports: {
    async sample(context) {
      // All samplers of a run use the servers together: each version is written, loaded and unloaded once.
      const key = JSON.stringify([context.folder, context.options]);
      const fleet = await fleets.join(key, context.signal, (signal) => Fleet.open(context, signal));
      return (request, signal) => fleet.sample(context, request, signal);
    },
  },
});
