/** Opens the parts of a run, cheap checks first, and closes them in the reverse order. */
import { isDrawn } from '../data/settings.ts';
import { pluginsOf } from '../config/plugins.ts';
import { refuseBlame, refuseReward } from '../config/reward.ts';
import type { Config } from '../config/schema.ts';
import { openData, pathsOf, type OpenedData } from '../data/open.ts';
import { Grader } from '../learn/grader.ts';
import type { Classifier } from '../learn/judge.ts';
import { loadPlugins, type Plugin } from '../plugin/load.ts';
import { localPolicy, refuseEngine } from '../policy/local/open.ts';
import { sizeRun } from '../policy/local/size-run.ts';
import type { Policy, PolicyOrigin } from '../policy/policy.ts';
import { CancelledError, InputError } from '../protocol/errors.ts';
import type { Checkpoints } from '../store/checkpoints.ts';
import { openLog, type Logger } from '../store/log.ts';
import { Presence } from '../store/presence.ts';
import { openRunFolder, type RunFolder } from '../store/run-folder.ts';
import { settleStanding } from '../store/standing.ts';
import type { Store } from '../store/store.ts';
import { removeUnbegun } from '../store/unbegun.ts';
import { compareSettings, describeChanges } from './changed-settings.ts';
import { openChain } from './open-chain.ts';
import { settleBase } from './settle-base.ts';
import { refuseUnmeasured } from './stop-when.ts';
import { settleData, type SettledData } from './settle-data.ts';

export interface OpenOptions {
  readonly createPolicy?: ((config: Config, origin: PolicyOrigin) => Policy | Promise<Policy>) | undefined;
  /** Folder from which plug-ins' relative paths and names are resolved. */
  readonly pluginFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** If the database is gone or damaged, begin a new chain of versions from the newest weights. */
  readonly beginAgain?: boolean | undefined;
}

/** Everything that is open while a daemon holds a run folder. */
export interface OpenRun extends AsyncDisposable {
  readonly folder: RunFolder;
  readonly log: Logger;
  /** Checks that the folder and the database are still in their places. */
  readonly presence: Presence;
  readonly store: Store;
  /** Checkpoints from which a restart continues. */
  readonly checkpoints: Checkpoints;
  /** The checkpoint of the best version so far. */
  readonly best: Checkpoints;
  readonly data: SettledData;
  readonly plugins: readonly Plugin[];
  readonly grader: Classifier;
  readonly policy: Policy;
  /** Version that the policy was opened with. */
  readonly version: number;
  /** Notes for the user about checkpoints and data. */
  readonly notes: readonly string[];
  /** Binds the folder to this run. Until then a close removes the files of a new run: the start was refused. */
  begin(): void;
}

/**
 * @throws InputError for a bad model, data set, plug-in or run folder, and when another daemon holds the folder;
 * CancelledError when `signal` aborts first. Nothing stays open then.
 */
export async function openRun(config: Config, options: OpenOptions): Promise<OpenRun> {
  const closers: (() => unknown)[] = [];
  let isBegun = false;
  const close = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  refuseEngine(config.workers);
  try {
    const folder = openRunFolder(config.runFolder);
    closers.push(() => folder.release());
    closers.push(() => isBegun || removeUnbegun(folder));
    // Keep secrets out of a file that users share.
    const { viewToken: _view, controlToken: _control, ...dashboard } = config.dashboard;
    const asRun = { ...config, dashboard, plugins: config.plugins.map(nameOf) };
    folder.expectSameRun(asRun);
    const log = openLog(folder.logFolder, config.log);
    const loading = loadPlugins(pluginsOf(config), options.pluginFolder);
    const plugins = await unlessAborted(options.signal, loading).catch((error: unknown) => {
      void loading.then(closeAll, () => undefined); // not awaited, because a module's import may never settle
      throw error;
    });
    closers.push(() => closeAll(plugins));
    refuseReward(config, plugins.find(({ ports }) => ports.synthesize)?.name);
    refuseBlame(
      config,
      plugins.some(({ ports }) => ports.check),
    );
    const picturesAlone = config.synthesis.mode !== 'off' || plugins.some(({ ports }) => ports.ask);
    const opened = await unlessAborted(options.signal, openData(config.data, { picturesAlone }));
    refuseNothing(config, opened, plugins);
    refuseUnmeasured(config, opened, plugins);
    const chain = await openChain(folder, config, options.beginAgain === true);
    closers.push(() => chain.store.close());
    const presence = new Presence(folder);
    const grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
    closers.push(() => grader[Symbol.asyncDispose]());
    const { store, checkpoints, best, origin } = chain;
    const before = folder.kept;
    const model = origin.base ?? config.model;
    const past = {
      runFolder: folder.path,
      before: before && { ...before, model: origin.base ?? before.model },
      version: origin.checkpoint?.version ?? 0,
    };
    const base = await unlessAborted(options.signal, settleBase(store, { ...config, model }, past));
    const sized = await sizedFor(config, { model, opened, options });
    const own: Policy = await (options.createPolicy ?? defaultPolicy)(sized.config, origin);
    // What only a cluster needs is loaded for a cluster only.
    const { withWorkers } = config.cluster.nats === null ? {} : await import('../cluster/open.ts');
    const policy = withWorkers?.({ ...sized.config, model }, own) ?? own;
    const { learner, sampler } = policy;
    closers.push(() => Promise.all([learner[Symbol.asyncDispose](), sampler[Symbol.asyncDispose]()]));
    const [{ version }] = await unlessAborted(options.signal, Promise.all([learner.open(), sampler.open()]));
    refuseUnread(config, opened, learner);
    settleStanding(store, version);
    const changes = [...base.keep(), ...changedSince(store, before, asRun)];
    const data = isDrawn(config.data) ? { ...opened, since: 0, changes: [] } : await settleData(store, opened, version);
    const notes = [...(opened.notes ?? []), ...changes, ...data.changes, ...chain.notes, ...sized.notes];
    return {
      folder,
      log,
      presence,
      store,
      checkpoints,
      best,
      data,
      plugins,
      grader,
      policy,
      version,
      notes,
      begin: () => {
        folder.saveConfig(asRun);
        isBegun = true;
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What only one kind of policy needs is loaded for it only. */
async function defaultPolicy(config: Config, origin: PolicyOrigin): Promise<Policy> {
  if (config.workers.engine !== 'tinker') return localPolicy(config, origin);
  if (config.cluster.nats !== null)
    throw new InputError(
      '`cluster.nats` is set and `workers.engine` is "tinker", whose versions workers cannot read: leave one of them out',
    );
  return (await import('../policy/tinker/open.ts')).tinkerPolicy(config, origin);
}

/** @throws InputError for data with pictures where what runs the model reads none. */
function refuseUnread({ data, tinker }: Config, { train, heldOut }: OpenedData, { limits }: Policy['learner']): void {
  if (limits?.pictures !== false) return;
  if (!isDrawn(data) && [train, heldOut].every((set) => set.pictures().length === 0)) return;
  const named = isDrawn(data)
    ? `\`data.type\` is "${data.type}"`
    : `\`data.trainFile\` is ${pathsOf(data.trainFile).join(', ')}`;
  throw new InputError(
    `${named}, whose questions have pictures, but the server ${tinker.url} drops the pictures of ${tinker.model}: name questions without pictures, or a server and a model (\`tinker.url\`, \`tinker.model\`) that read them`,
  );
}

/** Questions that stand for all where the memory of a run is worked out. */
const TYPICAL = 8;

/** The configuration for the policy, whose rollouts fit into memory; for notes, see SizedRun. @throws InputError */
async function sizedFor(
  config: Config,
  { model, opened, options }: { readonly model: string; readonly opened: OpenedData; readonly options: OpenOptions },
): Promise<{ readonly config: Config; readonly notes: readonly string[] }> {
  if (options.createPolicy || config.workers.engine === 'tinker') return { config, notes: [] };
  const { train } = opened;
  const count = Math.min(TYPICAL, train.size);
  const questions = Array.from({ length: count }, (_, i) => train.question(Math.floor((i * train.size) / count)));
  const sized = await sizeRun({ ...config, model }, questions, options.signal);
  const { rolloutRows, copiesGigabytes, passTokens, notes } = sized;
  const workers = { ...config.workers, rolloutRows, copiesGigabytes };
  return { config: { ...config, workers, learner: { ...config.learner, passTokens } }, notes };
}

/** Describes changed settings in words; the events hold both values of each. */
function changedSince(store: Store, before: object | undefined, now: object): string[] {
  const changes = before === undefined ? [] : compareSettings(before, now);
  if (changes.length > 0) store.event('settings.changed', changes);
  // Questions that are drawn in another way are others; of files, settleData finds those that are gone.
  if (changes.some(({ path }) => path.startsWith('data.'))) store.clearCurriculum();
  return describeChanges(changes);
}

/** @throws InputError when there is no question to train on and nothing that could ask one. */
function refuseNothing({ data, synthesis }: Config, { train, heldOut }: OpenedData, plugins: readonly Plugin[]): void {
  const canAsk = plugins.some(({ ports }) => ports.ask) || (synthesis.mode !== 'off' && train.pictures().length > 0);
  if (train.size > 0 || canAsk) return;
  if (isDrawn(data) || heldOut.size === 0)
    throw new InputError(`nothing is left to train on: ${train.name} has no questions`);
  const held = heldOut.size === 1 ? 'the one question' : `all ${heldOut.size} questions`;
  const fix = 'lower it, add questions, or name other questions to evaluate on in data.heldOutFile';
  throw new InputError(
    `nothing is left to train on: \`data.heldOutShare\` ${data.heldOutShare} holds out ${held} of ${pathsOf(data.trainFile).join(', ')}: ${fix}`,
  );
}

const closeAll = (plugins: readonly Plugin[]) => Promise.all(plugins.map((plugin) => plugin.close()));

/** Stops waiting once `signal` aborts; threads that are still loading end when they are closed. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work;
  const aborted = new Promise<never>((_, reject) => {
    const give = (): void => reject(new CancelledError('the start was cancelled'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  return Promise.race([work, aborted]);
}

function nameOf(plugin: Config['plugins'][number]): string {
  if (typeof plugin === 'string') return plugin;
  const { use, name } = plugin as { readonly use?: unknown; readonly name?: unknown };
  return String(use ?? name);
}
