/**
 * `quorum start --dry-run` opens everything that a start opens, including the model in its threads, but on a stand-in
 * for the run folder; it reports what it found and closes everything. It does not open plug-ins' ports, because these
 * may write, listen or send.
 */
import { isDrawn } from '../data/settings.ts';
import { availableParallelism, freemem } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { tryPort } from '../../dashboards/server/server.ts';
import { choosePreset } from '../config/preset.ts';
import { configSchema, type Config } from '../config/schema.ts';
import { freeSpace } from '../lib/free-space.ts';
import { InputError } from '../protocol/errors.ts';
import type { ModelLimits, PortName } from '../protocol/ports.ts';
import { devicesOf, engineOf } from '../policy/local/devices.ts';
import { runPaths } from '../store/run-folder.ts';
import { standInFor } from '../store/stand-in.ts';
import { flat } from './changed-settings.ts';
import type { DaemonHooks } from './daemon-handle.ts';
import { countLabels } from './label-words.ts';
import { openRun, type OpenRun } from './open-run.ts';
import { checkReportFile } from './report.ts';
import { conditionOf } from './stop-when.ts';

/** The findings of a dry run. Sizes in bytes. */
export interface DryRun {
  readonly model: { readonly folder: string } & Partial<ModelLimits>;
  readonly data: {
    readonly name: string;
    readonly train: number;
    readonly heldOut: number;
    /** Held-out questions with an answer. */
    readonly answered: number;
  };
  readonly run: {
    readonly folder: string;
    readonly state: 'new' | 'continued';
    readonly version: number;
    /** Versions that are learnt again from the stored batches, because no checkpoint has them. */
    readonly replayed: number;
    /** Groups that are admitted and not yet in a batch. */
    readonly inHand: number;
  };
  /** Settings that differ from the preset's defaults. */
  readonly settings: readonly { readonly path: string; readonly value: unknown; readonly default: unknown }[];
  readonly engine: { readonly name: string; readonly threads: number; readonly processors: number };
  /** `loaded`: resident memory of this process with the model open. */
  readonly memory: { readonly loaded: number; readonly free: number };
  readonly disk: { readonly folder: string; readonly free: number };
  readonly plugins: readonly {
    readonly name: string;
    readonly source: string;
    readonly thread: boolean;
    readonly ports: readonly PortName[];
  }[];
  readonly dashboard: { readonly host: string; readonly port: number } | null;
  readonly notes: readonly string[];
}

/** @throws like `startDaemon`, in the same words. */
export async function dryRun(config: Config, hooks: DaemonHooks): Promise<DryRun> {
  if (hooks.reportFile !== undefined) checkReportFile(hooks.reportFile);
  conditionOf(config);
  using standIn = standInFor(config.runFolder);
  const { createPolicy, signal, beginAgain, pluginFolder = process.cwd() } = hooks;
  try {
    if (config.cluster.nats !== null) await tryNats(config.cluster.nats);
    await using run = await openRun(
      { ...config, runFolder: standIn.path, cluster: { ...config.cluster, nats: null } },
      { createPolicy, pluginFolder, signal, beginAgain },
    );
    const { host, port } = config.dashboard;
    if (port !== null) await tryPort({ host, port });
    return found(config, run, standIn.named);
  } catch (error) {
    if (error instanceof InputError) throw new InputError(standIn.named(error.message), { cause: error });
    throw error;
  }
}

/** Connects and nothing more, so a daemon on this cluster and its workers are not disturbed. */
async function tryNats(address: string): Promise<void> {
  const { connectTo } = await import('../cluster/connection.ts');
  await (await connectTo(address, { name: 'quorum-dry-run' })).close();
}

function found(config: Config, run: OpenRun, named: (text: string) => string): DryRun {
  const { data, store, policy, plugins } = run;
  const { host, port } = config.dashboard;
  const version = store.latestVersion()?.n ?? 0;
  const { unsampled, unjudged, unbatched } = store.unfinished();
  return {
    model: { folder: config.model, ...policy.learner.limits },
    data: {
      name: data.train.name,
      train: data.train.size,
      heldOut: data.heldOut.size,
      answered: countLabels(data).labelled,
    },
    run: {
      folder: runPaths(config.runFolder).path,
      state: store.latestVersion() === undefined ? 'new' : 'continued',
      version,
      replayed: Math.max(0, version - run.version),
      inHand: unsampled.length + unjudged.length + unbatched.length,
    },
    settings: otherThanDefault(config),
    engine: engineIn(config.workers),
    memory: { loaded: process.memoryUsage().rss, free: freemem() },
    disk: freeSpace(config.runFolder),
    plugins: plugins.map(({ name, source, use, ports }) => ({
      name,
      source,
      thread: use.thread !== undefined && use.thread !== false,
      ports: Object.keys(ports) as PortName[],
    })),
    dashboard: port === null ? null : { host, port },
    notes: run.notes.map(named),
  };
}

function engineIn(workers: Config['workers']): DryRun['engine'] {
  const processors = availableParallelism();
  if (workers.engine === 'tinker') return { name: workers.engine, threads: 0, processors };
  const { rollout, learner } = devicesOf(workers);
  const threads = workers.learnerThreads * learner.length + workers.rolloutThreads * rollout.length;
  return { name: engineOf(workers), threads, processors };
}

/** Settings left out of the list, because they have a line of their own or are secret. */
const ASIDE = /^(?:model|preset|runFolder|plugins|data\.(?:trainFile|heldOutFile)|dashboard\.\w+Token)(?:\.|$)/;

function otherThanDefault(config: Config): DryRun['settings'] {
  const { type } = config.data;
  const preset = config.preset === 'auto' ? {} : choosePreset({ folder: config.model, named: config.preset }).defaults;
  const defaults = flat(
    configSchema.parse({ ...preset, data: isDrawn({ type }) ? { type } : { type, trainFile: '-' } }),
  );
  const differing = [...flat(config)].filter(
    ([path, value]) => !ASIDE.test(path) && !isDeepStrictEqual(value, defaults.get(path)),
  );
  return differing.map(([path, value]) => ({ path, value, default: defaults.get(path) }));
}
