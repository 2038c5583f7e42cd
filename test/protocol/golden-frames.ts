/** One frame of each kind, whose bytes are in golden/. They change only with FRAMES_VERSION. */
import type { ClientFrame, GroupCard, Live, ServerFrame } from '../../src/protocol/frames.ts';

const live: Live = {
  phase: 'running',
  pid: 4711,
  run: 'runs/default',
  model: 'models/mini',
  data: 'figures',
  seed: 1,
  startedAt: 1_767_268_800_000,
  at: 1_767_269_561_000,
  seconds: 761.5,
  version: 48,
  stopAt: null,
  saved: 25,
  accuracy: {
    baseline: { version: 0, greedy: 0.53, seconds: 20 },
    now: null,
    best: null,
    questions: 200,
    fullBaseline: null,
    fullNow: null,
  },
  signals: {
    voteShare: 0.712,
    reward: null,
    responseTokens: 18.31,
    loss: -0.0123,
    kl: 0.01312,
    entropy: 0.4123,
    clipFraction: 0,
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
    dropped: { 'all-agree': 590 },
    learnt: 1536,
    inFlight: 32,
    waiting: 32,
    credits: 0,
  },
  actors: [
    {
      id: 'sampler-1',
      role: 'sampler',
      state: 'working',
      doing: 'sampling 8 questions',
      since: 1_767_269_560_000,
      restarts: 1,
      items: 48,
      itemsPerSecond: 0.8,
      busy: 0.75,
      queue: { name: 'windows', size: 1, bound: 96 },
    },
  ],
  restarts: 1,
  memory: { rss: 812_000_000, peakRss: 9_010_000_000 },
  notes: [{ at: 1_767_269_000_000, text: 'saved version 25 – Größe: 1 %' }],
};

const group: GroupCard = {
  id: 'g7',
  sequence: 7,
  at: 1_767_269_000_123,
  question: {
    id: 'figures-7',
    text: 'How many circles are red?',
    origin: 'dataset',
    kind: 'count',
    parentId: null,
    pictures: 1,
  },
  version: 47,
  answers: ['3', '\\frac{6}{2}', null],
  classes: [0, 0, -1],
  winner: 0,
  share: 2 / 3,
  rewards: [1, 1, 0],
  advantages: [0.7, 0.7, -1.4],
  kept: true,
  dropped: null,
};

const synthesis = {
  written: 412,
  accepted: 301,
  rejected: { duplicate: 80, 'share-floor': 31 },
  pool: 120,
  share: 0.5,
};
const rejected = {
  id: 'direct/1/7',
  text: 'How many?',
  origin: 'direct',
  kind: null,
  parentId: null,
  pictures: 1,
} as const;

export const SERVER_FRAMES: Readonly<Record<string, ServerFrame>> = {
  'server-hello': { type: 'hello', v: 1, access: 'control', live },
  'server-update': {
    type: 'update',
    seq: 70_000,
    live,
    points: [{ step: 48, at: 1_767_269_561_000, values: { kl: 0.01312, 'sampler.busy': 1 } }],
    groups: [group],
    events: [{ id: 12, at: 1_767_269_000_000, type: 'note', data: { text: 'paused', author: 'the command line' } }],
  },
  'server-reply': { type: 'reply', id: 3, value: { steps: [1, 2], at: [1, 2], columns: { kl: [0.5, null] } } },
  'server-update-synthesis': {
    type: 'update',
    seq: 1,
    live: { ...live, synthesis },
    points: [],
    groups: [],
    events: [],
  },
  'server-reply-rejected': {
    type: 'reply',
    id: 4,
    value: { questions: [{ question: rejected, reason: 'duplicate', at: 1_767_269_000_000 }] },
  },
  'server-refused': { type: 'refused', id: 300, message: 'group g9 is not stored' },
};

export const CLIENT_FRAMES: Readonly<Record<string, ClientFrame>> = {
  'client-hello': { type: 'hello', v: 1 },
  'client-request': {
    type: 'request',
    id: 1,
    method: 'groups',
    params: { filter: { verdict: 'dropped', minShare: 0.25 }, limit: 50 },
  },
  'client-request-rejected': { type: 'request', id: 4, method: 'rejected', params: { limit: 12 } },
  'client-command': { type: 'command', id: 2, command: { type: 'set', path: 'learner.learningRate', value: 3e-5 } },
};
