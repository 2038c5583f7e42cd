/** Starts the actors of a run, and builds the loop's performers, the roster of plug-ins and the panels from them. */
import { startSystem } from '../../actors/system.ts';
import { lanesOf } from '../policy/local/devices.ts';
import type { Audience } from './audience.ts';
import type { ComposeParts } from './compose.ts';
import { guardianMembers } from './guardian.ts';
import type { Late } from './late.ts';
import { Panels } from './panels.ts';
import { builtInMembers, performersOf } from './performers.ts';
import { PluginActors } from './plugin-actors.ts';
import { Roster } from './roster.ts';
import { servicesOf, type ServicesOf } from './services.ts';
import type { Instruments } from './instruments.ts';

interface Surroundings {
  readonly late: Late;
  readonly instruments: Instruments;
  readonly audience: Audience;
  readonly stop: AbortSignal;
}

export function startActors(parts: ComposeParts, { late, instruments, audience, stop }: Surroundings) {
  const { config, run, builtIn, pluginFolder } = parts;
  const { journal } = instruments;
  const { openSeconds, pluginSeconds } = config.timeouts;
  const length = lanesOf(config.workers);
  const lanes = config.cluster.nats === null ? length : Math.max(length, config.cluster.jobs);
  const size = { lanes, synthesizes: config.synthesis.mode !== 'off' };
  const services = servicesFor(parts, instruments, late);
  const started = startSystem({
    members: [...builtInMembers(builtIn, services, size), ...guardianMembers(config, run)],
    budget: config.supervision,
    now: Date.now,
    restarted: (id, error) => journal.record('actor.restarted', { actor: id, reason: error.message }),
    finish: () => late.finish(),
    save: () => late.save(),
  });
  const plugins = new PluginActors({ started, services, ...size, openSeconds });
  for (const plugin of run.plugins) plugins.install(plugin);
  const performers = performersOf(started.handles, plugins, size, (text) => journal.note(text));
  audience.follow(performers);
  const roster = new Roster({ actors: plugins, pluginFolder, openSeconds, changed: () => audience.follow(performers) });
  const panels = new Panels({
    panels: () => plugins.live('panel'),
    parked: () => plugins.parked('panel'),
    seconds: pluginSeconds,
    stop,
    now: Date.now,
  });
  return { started, plugins, performers, roster, panels };
}

function servicesFor(
  { config, run, builtIn, pluginFolder }: ComposeParts,
  { journal, ending }: Instruments,
  late: Late,
): ServicesOf {
  const { folder, data, grader, policy } = run;
  return servicesOf({
    seed: config.seed,
    runFolder: folder.path,
    base: pluginFolder,
    train: data.train,
    labels: data.trainLabels,
    grader,
    builtIn,
    limits: policy.learner.limits,
    prompts: policy.learner.prompts,
    weights: (version) => policy.learner.publish(version),
    now: Date.now,
    tell: (plugin, text) => journal.note(`${plugin}: ${text}`),
    stop(plugin, reason) {
      ending.ask(plugin, reason);
      late.asked();
    },
  });
}
