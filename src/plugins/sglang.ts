/**
 * Samples with SGLang servers (0.5.23 or later) that serve the run's own model folder; everything else of the run stays
 * as it is. Each question is a call of `/generate` with its pictures as data, which answers G samples as token ids with
 * their log-probabilities. A version of an adapter is loaded under a name of its own, so that two versions can be in use;
 * a version of a whole model replaces the server's weights, and each answer says with which weights it was drawn.
 * Servers leave out what an adapter changes in the vision tower, so `learner.adapter.vision` must be false. Requests,
 * attempts and restarts are as with [vllm](#vllm). docs/machines.md says how to start the servers.
 */
import { join, resolve } from 'node:path';
import { API_VERSION, definePlugin } from 'quorum';
import { Fleet } from './servers/fleet.ts';
import { Shared } from './servers/shared.ts';
import { options } from './sglang/options.ts';
import { sglangWire } from './sglang/wire.ts';

/** Of the versions' folder: where a whole model is written. */
const WHOLE = 'whole';

const fleets = new Shared<Fleet>();

export default definePlugin({
  name: 'sglang',
  apiVersion: API_VERSION,
  options,
  ports: {
    async sample(context) {
      const { options: given, base, folder } = context;
      const versions =
        given.versionFolder === undefined ? join(folder, 'versions') : resolve(base, given.versionFolder);
      const adapters = { folder: versions, serverFolder: given.serverVersionFolder ?? versions };
      const model = { folder: join(versions, WHOLE), serverFolder: join(adapters.serverFolder, WHOLE) };
      // All samplers of a run use the servers together: each version is written, loaded and unloaded once.
      const fleet = await fleets.join(JSON.stringify([folder, given]), context.signal, (signal) =>
        Fleet.open(context, sglangWire(given.model), given, { adapters, model }, signal),
      );
      return (request, signal) => fleet.sample(context, request, signal);
    },
  },
});
