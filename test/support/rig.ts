/** The real loop, actors and store around a toy policy, without the daemon: for tests of what the loop does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluator } from '../../src/roles/evaluator.ts';
import { questioner } from '../../src/roles/questioner.ts';
import { startSystem, type Member } from '../../actors/system.ts';
import { configSchema, type Config, type ConfigInput } from '../../src/config/schema.ts';
import { earlierAnswers } from '../../src/daemon/earlier-answers.ts';
import { listDataset, type Dataset, type Labels } from '../../src/data/dataset.ts';
import { judge, type Classifier } from '../../src/learn/judge.ts';
import type { Batch, RolloutGroup } from '../../src/protocol/messages.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { SampleQuestions, Synthesize } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import { markSaved, PROGRESS, settleStanding } from '../../src/store/standing.ts';
import type { Store } from '../../src/store/store.ts';
import type { Performers } from '../../streams/performers.ts';
import { Gate } from '../../streams/gate.ts';
import type { Listener } from '../../streams/listener.ts';
import type { Loop } from '../../streams/loop.ts';
import { Measures } from '../../streams/measures.ts';
import { pipeline } from '../../streams/pipeline.ts';
import { catchUp, workInHand } from '../../streams/resume.ts';
import { Settings } from '../../streams/settings.ts';
import { Telemetry, type Progress } from '../../streams/telemetry.ts';
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
  /** Instead of the toy, with questions and answers of its own. */
  readonly other?: {
    readonly policy: Policy;
    readonly train: Dataset;
    readonly heldOut: Dataset;
    readonly grader: Classifier;
  };
  readonly samplers?: number;
  readonly questions?: number;
  readonly labels?: Labels;
  /** Writes questions, which are then asked too. */
  readonly synthesize?: Synthesize;
  /** Reuse the store of an earlier rig. */
  readonly store?: Store;
  /** Told of each version that is saved; without it nothing is on disk. */
  readonly disk?: (n: number) => void;
  /** In place of the telemetry. */
  readonly listener?: Listener;
  /** Waits or throws before each verdict. */
  readonly beforeJudge?: (group: RolloutGroup) => Promise<void> | void;
}

export interface Rig {
  readonly loop: Loop;
  readonly telemetry: Telemetry;
  readonly policy: ToyPolicy;
  readonly store: Store;
  readonly learnt: readonly Batch[];
  readonly errors: readonly unknown[];
  /** Versions kept as the best so far. */
  readonly best: readonly number[];
  /** Why the loop has paused by itself. */
  readonly held: readonly string[];
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

export function rig(options: RigOptions = {}): Rig {
  const config = toyConfig(options.config);
  const toy = new ToyPolicy(options.toy);
  const policy = options.other?.policy ?? toy;
  const grader = options.other?.grader ?? digits;
  const store = options.store ?? memoryStore();
  const stop = new AbortController();
  const gate = new Gate(stop.signal);
  const errors: unknown[] = [];
  const held: string[] = [];
  const best: number[] = [];
  const disk = options.disk === undefined ? '' : temporaryFolder();
  const learnt: Batch[] = [];
  const dataset = options.other?.train ?? listDataset('toy', toyQuestions(options.questions ?? 64));
  const heldOut = options.other?.heldOut ?? listDataset('held-out', toyQuestions(16, 'heldout'));
  const ports: Record<string, unknown> = {
    questioner: questioner(dataset, config.seed),
    voter: async (group: RolloutGroup) => {
      await options.beforeJudge?.(group);
      return judge(group, grader, { normaliseStd: true, ...config.filters });
    },
    learner: async (batch: Batch) => {
      const reply = await policy.learner.step(batch);
      learnt.push(batch);
      return reply;
    },
    evaluator: evaluator({
      sampler: policy.sampler,
      heldOut,
      labels: options.labels ?? toyLabels,
      grader,
      config,
      earlier: () => earlierAnswers(store),
    }),
    ...(options.synthesize && { synthesizer: options.synthesize }),
  };
  const samplers = Array.from({ length: options.samplers ?? 1 }, (_, i) => `sampler-${i + 1}`);
  const sampler: SampleQuestions = (request, signal) => policy.sampler.sample(request, signal);
  const members: Member[] = [
    ...Object.keys(ports).map((role) => ({ role, id: role, open: () => Promise.resolve(ports[role]) })),
    ...samplers.map((id) => ({ role: 'sampler', id, open: () => Promise.resolve(sampler) })),
  ];
  const { system, handles } = startSystem({
    members,
    budget: config.supervision,
    now: Date.now,
    finish: () => Promise.resolve(),
    save: () => Promise.resolve(),
  });
  const handle = (id: string) => handles.get(id) as never;
  const performers: Performers = {
    questioner: handle('questioner'),
    samplers: samplers.map(handle),
    voter: handle('voter'),
    learner: handle('learner'),
    evaluator: handle('evaluator'),
    synthesizer: options.synthesize && handle('synthesizer'),
    rewards: [],
    advantage: undefined,
    filters: [],
    watchers: [],
    exporters: [],
  };
  let most = 0;
  const before = store.meta(PROGRESS) as Progress | undefined;
  const measures = new Measures({ now: Date.now, actors: () => [], window: 8 }, before);
  const telemetry = new Telemetry(
    {
      pid: 1,
      run: 'test',
      model: 'toy',
      data: 'toy',
      seed: config.seed,
      startedAt: 0,
      stopAt: config.loop.steps,
      maxStaleness: config.loop.maxStaleness,
    },
    {
      now: Date.now,
      measures,
      keep: (progress) => store.setMeta(PROGRESS, progress),
      groups: () => ({ admitted: 0, sampled: 0, kept: 0, dropped: {}, learnt: 0, inFlight: 0, waiting: 0, credits: 0 }),
    },
    before,
  );
  const loop: Loop = {
    parts: {
      config,
      performers,
      store,
      policy: policy.learner,
      measures,
      telemetry: options.listener ?? telemetry,
      hasQuestions: dataset.size > 0,
      where: () => undefined,
    },
    state: { version: 0, shareFloor: 0, settings: new Settings(store, config), gate, stop: stop.signal },
    effects: {
      say: (text) => telemetry.note(text),
      look: () => {},
      checkpoint: async (n) => {
        if (options.disk === undefined) return;
        options.disk(n);
        await policy.learner.save(n, join(disk, String(n)));
        markSaved(store, n);
      },
      restore: (from, as) =>
        options.disk === undefined
          ? Promise.reject(new Error('nothing is on disk'))
          : policy.learner.restore(join(disk, String(from)), from, as),
      keepBest: (n) => {
        best.push(n);
        return Promise.resolve();
      },
      announce: () => {},
      hold: (why) => {
        held.push(why);
        gate.close();
      },
      failed: (error) => {
        errors.push(error);
        stop.abort();
      },
    },
  };
  return {
    loop,
    telemetry,
    policy: toy,
    store,
    learnt,
    errors,
    best,
    held,
    mostOutstanding: () => most,
    stop: () => stop.abort(),
    run: async () => {
      const [{ version }] = await Promise.all([policy.learner.open(), policy.sampler.open()]);
      loop.state.version = version;
      settleStanding(store, version);
      policy.learner.retain(version);
      await catchUp(loop, stop.signal);
      const { run$ } = pipeline(loop, workInHand(store));
      const watched = new Promise<void>((resolve, reject) =>
        run$.subscribe({
          next: () => {
            const { admitted, learnt: done, dropped } = store.counts();
            most = Math.max(most, admitted - done - Object.values(dropped).reduce((sum, n) => sum + n, 0));
            if (config.loop.steps !== null && loop.state.version >= config.loop.steps) stop.abort();
          },
          error: reject,
          complete: resolve,
        }),
      );
      await watched;
      system.stop();
      return loop.state.version;
    },
  };
}
