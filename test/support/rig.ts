/**
 * The composition of the daemon around a toy policy, in a run folder of its own, without what listens to the outside:
 * for tests of what the loop does. It ends as a killed process does, with nothing saved but what the loop saved before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type Config, type ConfigInput } from '../../src/config/schema.ts';
import { beginStop, compose, type Composition } from '../../src/daemon/compose.ts';
import { earlierAnswers } from '../../src/daemon/earlier-answers.ts';
import { Lifecycle } from '../../src/daemon/lifecycle.ts';
import type { OpenRun } from '../../src/daemon/open-run.ts';
import { listDataset, type Dataset, type Labels } from '../../src/data/dataset.ts';
import type { Classifier } from '../../src/learn/judge.ts';
import { bindPlugin, loadPlugins, type Plugin, type PluginSpec } from '../../src/plugin/load.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Batch, RolloutGroup } from '../../src/protocol/messages.ts';
import type { Synthesize } from '../../src/protocol/ports.ts';
import { builtIns } from '../../src/roles/builtins.ts';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { openLog } from '../../src/store/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { Presence } from '../../src/store/presence.ts';
import { openRunFolder } from '../../src/store/run-folder.ts';
import { settleStanding } from '../../src/store/standing.ts';
import type { Store } from '../../src/store/store.ts';
import { toyAnswer, toyQuestions, ToyPolicy, type ToyOptions } from './toy-policy.ts';

/** Answers of the toy are digits: equal strings are equal answers. */
export const digits = {
  classify: (answers: readonly (string | null)[]): Promise<readonly number[]> => {
    const seen = [...new Set(answers.filter((answer) => answer !== null))];
    return Promise.resolve(answers.map((answer) => (answer === null ? -1 : seen.indexOf(answer))));
  },
};

export const toyLabels: Labels = { label: (id) => String(toyAnswer(`question ${id.split('-').at(-1)}`)) };

export const toyConfig = (input: ConfigInput = {}): Config =>
  configSchema.parse({
    ...input,
    sampling: { samples: 8, ...input.sampling },
    loop: { batchGroups: 4, jobQuestions: 2, maxStaleness: 0, ...input.loop },
    filters: { shareFloor: 0, ...input.filters },
    evaluation: { everySteps: 2, fullEverySteps: 1_000, questions: 16, fullQuestions: 16, ...input.evaluation },
    supervision: { backoffMilliseconds: 1, ...input.supervision },
    dashboard: { port: null, ...input.dashboard },
    guardian: { mode: 'off', ...input.guardian },
  });

export interface RigOptions {
  readonly config?: ConfigInput;
  readonly toy?: ToyOptions;
  /** Instead of the toy and its questions and answers. */
  readonly other?: {
    readonly policy?: Policy;
    readonly train?: Dataset;
    readonly heldOut?: Dataset;
    readonly grader?: Classifier;
  };
  readonly samplers?: number;
  readonly plugins?: readonly PluginSpec[];
  readonly questions?: number;
  readonly labels?: Labels;
  /** Writes questions, in place of the policy; needs `config.synthesis`. */
  readonly synthesize?: Synthesize;
  /** Continues from the store of an earlier rig, whose checkpoints are gone. */
  readonly store?: Store;
  /** Waits or throws before each verdict. */
  readonly beforeJudge?: (group: RolloutGroup) => Promise<void> | void;
}

export interface Rig extends Omit<Composition, 'stop'> {
  /** The run folder. */
  readonly folder: string;
  readonly policy: ToyPolicy;
  readonly store: Store;
  readonly learnt: readonly Batch[];
  /** The first error that stopped the loop, once it has stopped. */
  readonly errors: readonly unknown[];
  /** Admitted and not yet learnt or dropped, the most there ever were. */
  readonly mostOutstanding: () => number;
  /** Runs until `steps` (of the config) or `stop`; returns the version reached. */
  run(): Promise<number>;
  stop(): void;
}

const folders: string[] = [];
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Gone when the test file's process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quorum-test-'));
  folders.push(folder);
  return folder;
}

export function memoryStore(): Store {
  const folder = temporaryFolder();
  const store = openStore(join(folder, 'quorum.db'));
  return store;
}

export async function rig(options: RigOptions = {}): Promise<Rig> {
  const config = toyConfig({ ...options.config, workers: { rolloutWorkers: options.samplers ?? 1 } });
  const toy = new ToyPolicy(options.toy);
  const run = await openToyRun(config, toy, options);
  const learnt: Batch[] = [];
  const builtIn = await builtInOf(config, run, options, (batch) => learnt.push(batch));
  const composed = compose({ config, run, builtIn, pluginFolder: run.folder.path, reports: false });
  const { loop, started } = composed;
  const errors: unknown[] = [];
  return {
    ...composed,
    folder: run.folder.path,
    policy: toy,
    store: run.store,
    learnt,
    errors,
    mostOutstanding: mostOutstanding(composed, run.store),
    stop: () => beginStop(started.system),
    async run() {
      await live(config, run, composed);
      const { error } = started.system.getSnapshot().context;
      if (error !== undefined) errors.push(error);
      return loop.state.version;
    },
  };
}

/** The run folder of the rig and what else the daemon opens, with the policy open. */
async function openToyRun(config: Config, toy: ToyPolicy, options: RigOptions): Promise<OpenRun> {
  const { other, questions = 64, labels = toyLabels, plugins = [] } = options;
  const folder = openRunFolder(join(temporaryFolder(), 'run'));
  const store = options.store ?? openStore(folder.database);
  const policy = other?.policy ?? toy;
  const [{ version }] = await Promise.all([policy.learner.open(), policy.sampler.open()]);
  settleStanding(store, version);
  return {
    folder,
    log: openLog(folder.logFolder, config.log),
    presence: new Presence({ path: folder.path, database: options.store ? folder.path : folder.database }),
    store,
    checkpoints: await Checkpoints.open(folder.checkpointsFolder),
    best: await Checkpoints.open(folder.bestFolder),
    data: {
      train: other?.train ?? listDataset('toy', toyQuestions(questions)),
      heldOut: other?.heldOut ?? listDataset('held-out', toyQuestions(16, 'heldout')),
      labels,
      trainLabels: toyLabels,
      since: 0,
      changes: [],
    },
    plugins: await loadPlugins(plugins, folder.path),
    grader: other?.grader ?? digits,
    policy,
    version,
    notes: [],
    begin: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(folder.release()), // tests read the store afterwards
  };
}

/** The built-in roles, with the hooks of the options around them. */
function builtInOf(
  config: Config,
  { data, grader, policy, store }: OpenRun,
  { beforeJudge, synthesize }: RigOptions,
  learnt: (batch: Batch) => void,
): Promise<Plugin> {
  const { ports, ...own } = builtIns({ config, policy, ...data, grader, earlier: () => earlierAnswers(store) });
  return bindPlugin({
    ...own,
    ports: {
      ...ports,
      async judge(context) {
        const judge = await ports.judge!(context);
        return async (group, signal) => {
          await beforeJudge?.(group);
          return judge(group, signal);
        };
      },
      async learn(context) {
        const learn = await ports.learn!(context);
        return async (batch, signal) => {
          const reply = await learn(batch, signal);
          learnt(batch);
          return reply;
        };
      },
      ...(synthesize && { synthesize: () => synthesize }),
    },
  });
}

/** From the first version until the root of the actors has stopped. */
async function live(config: Config, run: OpenRun, composed: Composition): Promise<void> {
  const closeDoors = () => ({ closed: () => Promise.resolve() });
  const lifecycle = new Lifecycle({ config, run, composed, reportFile: undefined, closeDoors });
  composed.late.save = () => Promise.resolve();
  const closed = lifecycle.closed();
  lifecycle.begin();
  await closed;
}

function mostOutstanding({ events }: Composition, store: Store): () => number {
  let most = 0;
  events.subscribe(() => {
    const { admitted, learnt, dropped } = store.counts();
    most = Math.max(most, admitted - learnt - Object.values(dropped).reduce((sum, n) => sum + n, 0));
  });
  return () => most;
}
