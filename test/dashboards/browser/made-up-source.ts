/**
 * A daemon that is only numbers, for tests of what a browser does with many of them: a seeded random walk of as many
 * steps as wanted.
 */
import { BehaviorSubject, Subject } from 'rxjs';
import type { PluginRow } from '../../../src/protocol/plugins.ts';
import type { DashboardSource } from '../../../dashboards/server/source.ts';
import type { Command } from '../../../src/protocol/commands.ts';
import type { ActorDetail, History, LiveSetting, PanelCard } from '../../../src/protocol/frames.ts';
import type { LoopEvent } from '../../../src/protocol/ports.ts';
import type { ActorStatus, Status } from '../../../src/protocol/status.ts';
import { Random } from '../../../src/data/rng.ts';

/** Metric -> where its walk begins, how far it goes in a step, and where it ends. */
const WALKS: Readonly<Record<string, readonly [from: number, step: number, low: number, high: number]>> = {
  voteShare: [0.5, 0.004, 0.2, 0.95],
  reward: [0.5, 0.005, 0.1, 0.95],
  kl: [0.002, 0.0004, 0, 0.2],
  entropy: [0.9, 0.005, 0.1, 1.4],
  responseTokens: [24, 0.4, 8, 64],
  clipFraction: [0.01, 0.001, 0, 0.1],
  rolloutTokensPerSecond: [4000, 60, 1500, 7000],
  learnerTokensPerSecond: [2600, 40, 1000, 5000],
  'busy.learner': [0.8, 0.01, 0.3, 1],
  'busy.sampler-1': [0.9, 0.01, 0.3, 1],
  'memory.rss': [8e8, 2e6, 7e8, 1.6e9],
};
/** Level n is half learnt after about 8,000 (n - 3) steps. */
const LEVELS = Array.from({ length: 12 }, (_, i) => ({ column: `level.${i + 1}`, half: 8_000 * (i - 2) }));
const EVALUATED_EVERY = 250;
/** A card names four lines: of five checks, three. */
export const CHECKS = ['equations', 'whole', 'premises', 'views', 'own'];
/** Votes that the first check took; each later one took one more. */
export const LOST = 1_234;
const STEP_MILLISECONDS = 3000;

export class MadeUpSource implements DashboardSource {
  readonly commands: Command[] = [];
  readonly #random = new Random(7, 'made-up');
  readonly #columns: Record<string, (number | null)[]> = Object.fromEntries(
    [...Object.keys(WALKS), 'greedy', ...LEVELS.map(({ column }) => column)].map((name) => [name, []]),
  );
  readonly #status: BehaviorSubject<Status>;
  readonly #loop = new Subject<LoopEvent>();
  readonly #startedAt = Date.now();
  #steps = 0;

  constructor(steps: number) {
    while (this.#steps < steps) this.#walk();
    this.#status = new BehaviorSubject(this.#statusNow());
  }

  get steps(): number {
    return this.#steps;
  }

  /** One more learner step. */
  step(): void {
    this.#walk();
    this.#status.next(this.#statusNow());
    this.#loop.next({
      type: 'learnt',
      version: { n: this.#steps - 1, parent: this.#steps - 2, batchId: this.#steps, metrics: null },
    });
  }

  readonly status$ = () => this.#status.asObservable();
  readonly status = () => this.#status.value;
  readonly loop$ = () => this.#loop.asObservable();
  readonly picture = () => Promise.reject(new Error('there are no pictures'));
  readonly pieces = () => [];
  readonly versionFolder = () => null;
  readonly savedVersions = () => new Set<number>();
  readonly settings = (): readonly LiveSetting[] => [];
  readonly plugins = (): readonly PluginRow[] => [];
  readonly panels = (): readonly PanelCard[] => [];
  readonly actors = (): readonly ActorDetail[] => [];
  readonly command = (command: Command): Promise<undefined> => Promise.resolve(void this.commands.push(command));

  readonly store: DashboardSource['store'] = {
    history: ({ from = 0, to = this.#steps - 1 }) => this.#history(from, Math.min(to, this.#steps - 1)),
    warmHistory: () => Promise.resolve(),
    metricRow: (step) => this.#row(step),
    findGroups: () => ({ groups: [], next: null }),
    group: () => undefined,
    question: () => undefined,
    groupsOfQuestion: () => [],
    questionStats: () => ({ byOrigin: { dataset: 48, 'in-context': 6 }, byKind: {}, shares: {}, diversity: {} }),
    syntheticQuestions: () => ({ questions: [], next: null }),
    rejectedQuestions: () => [],
    findVersions: () => ({ versions: [], next: null }),
    answers: () => undefined,
    eventsBefore: () => ({ events: [], next: null }),
  };

  #history(from: number, to: number): History {
    const rows = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
    const columns = Object.fromEntries(
      Object.entries(this.#columns).map(([name, values]) => [name, values.slice(from, to + 1)]),
    );
    return { steps: rows, at: rows.map((step) => this.#at(step)), columns };
  }

  #row(step: number): Record<string, number> {
    const row: Record<string, number> = { at: this.#at(step) };
    for (const [name, values] of Object.entries(this.#columns))
      if (typeof values[step] === 'number') row[name] = values[step];
    return row;
  }

  #at(step: number): number {
    return this.#startedAt - (this.#steps - step) * STEP_MILLISECONDS;
  }

  #walk(): void {
    for (const [name, [from, by, low, high]] of Object.entries(WALKS)) {
      const values = this.#columns[name]!;
      values.push(Math.min(high, Math.max(low, (values.at(-1) ?? from) + (this.#random.float() - 0.5) * 2 * by)));
    }
    const wiggle = (this.#random.float() - 0.5) * 0.03;
    const learnt = 1 - Math.exp(-this.#steps / 20_000);
    this.#columns['greedy']!.push(this.#steps % EVALUATED_EVERY === 0 ? 0.35 + 0.4 * learnt + wiggle : null);
    for (const { column, half } of LEVELS) {
      const accuracy = 1 / (1 + Math.exp((half - this.#steps) / 9_000));
      this.#columns[column]!.push(this.#steps % EVALUATED_EVERY === 0 ? accuracy : null);
    }
    this.#steps += 1;
  }

  #statusNow(): Status {
    const version = this.#steps - 1;
    const value = (name: string) => this.#columns[name]!.at(-1) ?? null;
    const point = (n: number) => ({ version: n, greedy: this.#columns['greedy']![n] ?? 0, seconds: n * 3 });
    const newest = point(version - (version % EVALUATED_EVERY));
    return {
      phase: 'running',
      pid: process.pid,
      run: 'runs/made-up',
      model: 'models/mini',
      data: 'figures',
      seed: 0,
      startedAt: this.#startedAt,
      at: Date.now(),
      seconds: version * 3,
      version,
      stopAt: null,
      saved: version - (version % 25),
      accuracy: {
        baseline: point(0),
        now: newest,
        best: newest,
        history: [],
        questions: 200,
        fullBaseline: null,
        fullNow: null,
      },
      signals: {
        voteShare: value('voteShare'),
        reward: value('reward'),
        responseTokens: value('responseTokens'),
        loss: 0,
        kl: value('kl'),
        entropy: value('entropy'),
        clipFraction: value('clipFraction'),
        ratio: 1,
        gradNorm: 1,
        learningRate: 1e-4,
      },
      throughput: {
        rolloutTokensPerSecond: value('rolloutTokensPerSecond'),
        learnerTokensPerSecond: value('learnerTokensPerSecond'),
        stepsPerMinute: 20,
        secondsPerStep: 3,
        overlap: 0.7,
      },
      staleness: { max: 2, now: 1, histogram: [version, version * 6, version] },
      groups: {
        admitted: version * 9,
        sampled: version * 9,
        kept: version * 8,
        dropped: { 'all-agree': version },
        checks: Object.fromEntries(
          CHECKS.map((name, i) => [name, { held: 60, denied: 12 + i, abstained: 8, lost: LOST + i }]),
        ),
        learnt: version * 8,
        inFlight: 6,
        waiting: 3,
        credits: 11,
      },
      actors: this.#actors(version),
      restarts: 1,
      memory: { rss: value('memory.rss') ?? 0, peakRss: 1.6e9 },
      notes: [],
    };
  }

  #actors(version: number): readonly ActorStatus[] {
    const actor = (
      id: string,
      role: string,
      state: ActorStatus['state'],
      doing: string,
      more: Partial<ActorStatus> = {},
    ): ActorStatus => ({
      id,
      role,
      state,
      doing,
      since: Date.now() - 1200,
      restarts: 0,
      items: version,
      itemsPerSecond: 0.33,
      busy: 0.6,
      queue: null,
      ...more,
    });
    return [
      actor('questioner', 'questioner', 'waiting', 'waiting for a credit', { busy: 0.02, itemsPerSecond: 3 }),
      actor('sampler-1', 'sampler', 'working', `sampling 8 questions with version ${version}`, { busy: 0.94 }),
      actor('sampler-2', 'sampler', 'working', `sampling 8 questions with version ${version - 1}`, {
        busy: 0.91,
        restarts: 1,
      }),
      actor('voter', 'voter', 'idle', 'waiting for groups', {
        busy: 0.05,
        itemsPerSecond: 3,
        queue: { name: 'groups', size: 3, bound: 16 },
      }),
      actor('learner', 'learner', 'working', `learning version ${version + 1} from 8 groups`, {
        busy: 0.82,
        queue: { name: 'batches', size: 1, bound: 2 },
      }),
      actor('evaluator', 'evaluator', 'idle', 'waiting for version 25', { busy: 0.1, itemsPerSecond: 0.01 }),
      ...CHECKS.map((name, i) =>
        actor(
          `checker-${name}`,
          'checker',
          i === 0 ? 'working' : 'idle',
          i === 0 ? 'checking group 1 of 8' : 'waiting',
          {
            queue: { name: 'unchecked', size: 2, bound: 16 },
          },
        ),
      ),
    ];
  }
}
