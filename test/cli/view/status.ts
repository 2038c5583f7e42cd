/** Statuses to draw: a fixed one in mid-run, and arbitrary ones. */
import fc from 'fast-check';
import type { Status, WorkerStatus } from '../../../src/protocol/status.ts';

const T0 = Date.UTC(2026, 0, 1, 12, 0, 0);

const WORK = { items: 48, itemsPerSecond: 0.8, busy: 0.75, queue: { name: 'windows', size: 1, bound: 96 } };

export const RUNNING: Status = {
  phase: 'running',
  pid: 4711,
  run: 'runs/default',
  model: 'models/mini',
  data: 'figures',
  seed: 1,
  startedAt: T0,
  at: T0 + 761_000,
  seconds: 761,
  version: 48,
  stopAt: null,
  saved: 25,
  accuracy: {
    baseline: { version: 0, greedy: 0.53, seconds: 20 },
    now: { version: 45, greedy: 0.793, seconds: 700 },
    best: { version: 40, greedy: 0.801, seconds: 630 },
    history: [0.53, 0.56, 0.64, 0.69, 0.74, 0.77, 0.785, 0.79, 0.801, 0.793].map((greedy, i) => ({
      version: 5 * i,
      greedy,
      seconds: 70 * i,
    })),
    questions: 200,
    fullBaseline: null,
    fullNow: null,
  },
  signals: {
    voteShare: 0.712,
    reward: 0.683,
    responseTokens: 18.31,
    loss: -0.0123,
    kl: 0.01312,
    entropy: 0.4123,
    clipFraction: 0.0214,
    ratio: 1.001,
    gradNorm: 0.52,
    learningRate: 5e-5,
  },
  throughput: {
    rolloutTokensPerSecond: 5234,
    learnerTokensPerSecond: 12_345,
    stepsPerMinute: 3.14,
    secondsPerStep: 19.1,
    overlap: 0.87,
  },
  staleness: { max: 1, now: 1, histogram: [32, 1504] },
  groups: {
    admitted: 2400,
    sampled: 2368,
    kept: 1568,
    dropped: { 'all-agree': 590, 'share-floor': 210 },
    learnt: 1536,
    inFlight: 32,
    waiting: 32,
    credits: 0,
  },
  actors: [
    {
      id: 'questioner',
      role: 'questioner',
      state: 'waiting',
      doing: 'waiting for a credit',
      since: T0 + 758_000,
      restarts: 0,
      ...WORK,
    },
    {
      id: 'sampler-1',
      role: 'sampler',
      state: 'working',
      doing: 'sampling 32 questions with version 48',
      since: T0 + 759_000,
      restarts: 1,
      ...WORK,
    },
    { id: 'voter', role: 'voter', state: 'idle', doing: 'idle', since: T0 + 757_000, restarts: 0, ...WORK },
    {
      id: 'learner',
      role: 'learner',
      state: 'working',
      doing: 'learning from batch 48 (32 groups)',
      since: T0 + 755_000,
      restarts: 0,
      ...WORK,
    },
    {
      id: 'evaluator',
      role: 'evaluator',
      state: 'failed',
      doing: 'restarting in 2 s',
      since: T0 + 760_000,
      restarts: 2,
      error: 'the worker thread ended',
      ...WORK,
    },
  ],
  restarts: 3,
  memory: { rss: 812_000_000, peakRss: 901_000_000 },
  notes: [
    { at: T0 + 400_000, text: 'saved version 25' },
    { at: T0 + 640_000, text: 'best accuracy yet: 80.1 % at version 40' },
  ],
};

/** What a daemon says before it has seen anything. */
export const STARTING: Status = {
  ...RUNNING,
  phase: 'starting',
  seconds: 0,
  at: T0,
  version: 0,
  saved: null,
  accuracy: { baseline: null, now: null, best: null, history: [], questions: null, fullBaseline: null, fullNow: null },
  signals: {
    voteShare: null,
    reward: null,
    responseTokens: null,
    loss: null,
    kl: null,
    entropy: null,
    clipFraction: null,
    ratio: null,
    gradNorm: null,
    learningRate: null,
  },
  throughput: {
    rolloutTokensPerSecond: null,
    learnerTokensPerSecond: null,
    stepsPerMinute: null,
    secondsPerStep: null,
    overlap: null,
  },
  staleness: { max: 1, now: null, histogram: [0, 0] },
  groups: { admitted: 0, sampled: 0, kept: 0, dropped: {}, learnt: 0, inFlight: 0, waiting: 0, credits: 64 },
  actors: [],
  restarts: 0,
  notes: [],
};

/** A run in which the model writes questions. */
export const SYNTHESIZING: Status = {
  ...RUNNING,
  synthesis: {
    written: 412,
    accepted: 301,
    rejected: { duplicate: 80, malformed: 31, 'all-agree': 0 },
    pool: 120,
    share: 0.5,
  },
};

const worker = (name: string, more: Partial<WorkerStatus> = {}): WorkerStatus => ({
  name,
  host: 'rack-1',
  pid: 7,
  devices: ['cuda:0', 'cuda:1'],
  roles: ['sampler'],
  version: RUNNING.version - 1,
  holds: 2,
  groups: 120,
  passes: 0,
  groupsPerSecond: 0.5,
  sentBytes: 24_000_000,
  receivedBytes: 1_250_000_000,
  at: RUNNING.at - 1_000,
  state: 'working',
  ...more,
});

/** Of a run with `cluster.nats`. */
export const WORKERS: readonly WorkerStatus[] = [
  worker('gpu-a'),
  worker('gpu-b', { state: 'left', at: RUNNING.at - 90_000, groupsPerSecond: 0 }),
  worker('gpu-c', { state: 'parked', why: 'its log-probabilities differ by 0.5 nats a token' }),
  worker('cpu-a', { host: 'rack-2', devices: ['cpu'], version: null, groups: 0, groupsPerSecond: 0 }),
  worker('gpu-d', { roles: ['learner'], groups: 0, passes: 36, groupsPerSecond: 0 }),
];

/** A run with a curriculum. */
export const CHOOSING: Status = {
  ...RUNNING,
  curriculum: {
    fresh: 3638,
    split: 127,
    known: 148,
    lost: 119,
    expected: 0.65,
    clusters: 88,
    most: [
      {
        name: 'grid/discs · edges 4, parts 4-15',
        questions: 39,
        asked: 120,
        kept: 98,
        retired: 20,
        returned: 6,
        forgotten: 1,
      },
    ],
  },
};

const words = fc.string({ unit: 'grapheme', maxLength: 60 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const point = fc.record({ version: fc.nat(), greedy: share, seconds: fc.nat() });
const actor = fc.record({
  id: words,
  role: words,
  state: fc.constantFrom('opening', 'idle', 'working', 'waiting', 'failed', 'stopped'),
  doing: words,
  since: fc.nat().map((ms) => T0 - ms),
  restarts: fc.nat(12),
  error: words,
  items: fc.nat(),
  itemsPerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
  busy: share,
  queue: maybe(fc.record({ name: words, size: fc.nat(), bound: fc.nat() })),
});

export const anyStatus: fc.Arbitrary<Status> = fc
  .record({
    phase: fc.constantFrom('starting', 'baseline', 'running', 'paused', 'stopping', 'draining', 'stopped', 'failed'),
    run: words,
    model: words,
    data: words,
    seconds: fc.double({ min: 0, max: 1e8, noNaN: true }),
    version: fc.nat(),
    stopAt: maybe(fc.nat()),
    now: maybe(point),
    history: fc.array(point, { maxLength: 300 }),
    levels: fc.array(fc.record({ version: fc.nat(), levels: fc.dictionary(fc.nat().map(String), share) }), {
      maxLength: 128,
    }),
    number: maybe(fc.double({ min: -1e7, max: 1e7, noNaN: true })),
    actors: fc.array(actor, { maxLength: 8 }),
    notes: fc.array(fc.record({ at: fc.nat(), text: words }), { maxLength: 20 }),
    error: words,
  })
  .map(({ now, history, levels, number, ...rest }) => ({
    ...RUNNING,
    ...rest,
    accuracy: { ...RUNNING.accuracy, now, history, levels },
    signals: { ...RUNNING.signals, kl: number, entropy: number, voteShare: number },
    throughput: { ...RUNNING.throughput, rolloutTokensPerSecond: number },
  }));
