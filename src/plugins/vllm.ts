/**
 * Samples with vLLM servers (0.32 or later) that serve the run's own model folder; everything else of the run stays as
 * it is. Each question is a chat completion with its pictures as data, which answers G samples as token ids with their
 * log-probabilities. A version of an adapter is loaded under a name of its own, so that two versions can be in use; a
 * version of a whole model replaces the weights in `modelFolder`. Requests go to the server with the fewest in hand. An
 * answer of 408, 429 or 5xx, none in time, a lost connection and an answer that makes no sense are tried again, with
 * back-off, on the server that is ready first; a server that restarted gets its version again. When all attempts fail the
 * actor restarts, and past its budget the run's own sampler takes over. docs/machines.md says how to start the servers.
 */
import { join, resolve } from 'node:path';
import { API_VERSION, definePlugin } from 'quorum';
import { Fleet } from './servers/fleet.ts';
import { Shared } from './servers/shared.ts';
import { options } from './vllm/options.ts';
import { vllmWire } from './vllm/wire.ts';

const fleets = new Shared<Fleet>();

export default definePlugin({
  name: 'vllm',
  apiVersion: API_VERSION,
  options,
  ports: {
    async sample(context) {
      const { options: given, base, folder } = context;
      const own = given.adapterFolder === undefined ? join(folder, 'adapters') : resolve(base, given.adapterFolder);
      const adapters = { folder: own, serverFolder: given.serverAdapterFolder ?? own };
      const served = given.modelFolder === undefined ? undefined : resolve(base, given.modelFolder);
      // A server reads again what it serves, and is told no folder.
      const model = served === undefined ? undefined : { folder: served, serverFolder: served };
      // All samplers of a run use the servers together: each version is written, loaded and unloaded once.
      const fleet = await fleets.join(JSON.stringify([folder, given]), context.signal, (signal) =>
        Fleet.open(context, vllmWire(given.model), given, { adapters, model }, signal),
      );
      return (request, signal) => fleet.sample(context, request, signal);
    },
  },
});
