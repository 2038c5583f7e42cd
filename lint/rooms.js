/**
 * The rooms of the house and what each may import. This table is the only place that says so: the linter's rule
 * (lint/fences.js), the drawing in docs/development.md and test/lint/fences.test.ts read it.
 *
 * A room is a folder, or a file named without its ending; a file belongs to the longest path that holds it. A room may
 * import itself, the rooms in its row (a row may name one file of a room), and the packages in its row (`node:` stands
 * for all modules of Node). A row names rooms above it only, so there is no circle and no arrow up. The linter reports
 * a file below src/, actors/, streams/, dashboards/ or examples/ that is in no room: a new folder needs a row.
 */

const NODE = 'node:';
const TFJS = '@tensorflow/tfjs-core';

/** Rooms that every other room may import. */
const COMMON = ['src/protocol', 'src/lib'];

const BELOW_MODELS = [...COMMON, 'src/compute/hf', 'src/compute/compile', 'src/compute/engine'];
const BELOW_PROGRAMS = [...BELOW_MODELS, 'src/compute/models'];
const BELOW_ROLLOUT = [...BELOW_PROGRAMS, 'src/compute/programs', 'src/data'];
const BELOW_TRAINING = [...BELOW_ROLLOUT, 'src/compute/rollout'];
const BELOW_OBJECTIVES = [...BELOW_TRAINING, 'src/compute/training'];
const BELOW_THREADS = [...BELOW_OBJECTIVES, 'src/compute/objectives'];

/** Rooms that do one thing each and know nothing of the loop. */
const PARTS = [
  ...COMMON,
  'src/learn',
  'src/data',
  'src/store',
  'src/guardian',
  'src/config',
  'src/policy',
  'src/plugin',
];

/** @typedef {import('./rooms.d.ts').Room} Room */

/** @type {Record<string, Room>} */
export const ROOMS = {
  // Plain data and small helpers.
  'src/protocol': { holds: 'messages, status, ports, frames, errors: plain data', imports: [], packages: [] },
  'src/protocol/codec': { holds: 'messages as bytes', imports: ['src/protocol'], packages: ['msgpackr'] },
  'src/protocol/command-schema': {
    holds: 'commands read from untrusted data',
    imports: ['src/protocol'],
    packages: ['zod'],
  },
  'src/lib': { holds: 'small helpers without a noun of the loop', imports: ['src/protocol'], packages: [NODE, 'jiti'] },

  // Parts.
  'src/learn': {
    holds: 'answers, equivalence, checks, vote, advantage: numbers only',
    imports: COMMON,
    packages: [NODE],
  },
  'src/data': {
    holds: 'figures, files of questions, pictures, splits, random numbers',
    imports: [...COMMON, 'src/learn'],
    packages: [NODE, 'csv-parse', 'hyparquet', 'hyparquet-compressors', 'hyparquet-writer', 'sharp'],
  },
  'src/store': {
    holds: 'SQLite, the run folder, checkpoints, the log',
    imports: COMMON,
    packages: [NODE, 'libsql', 'msgpackr', 'pino', 'zod'],
  },
  'src/guardian': {
    holds: 'signals, rules, probe, remedy, state: what needs no stream',
    imports: [...COMMON, 'src/learn'],
    packages: [NODE],
  },

  // Compute: the only rooms of tensors, in one line.
  'src/compute/hf': {
    holds: "formats of Hugging Face's model files",
    imports: COMMON,
    packages: [NODE, 'zod', '@huggingface/jinja', '@huggingface/tokenizers'],
  },
  'src/compute/compile': {
    holds: 'a TF.js function to an ONNX graph',
    imports: COMMON,
    packages: [NODE, TFJS, 'protobufjs'],
  },
  'src/compute/engine': {
    holds: 'what runs a program: ONNX Runtime, TF.js, native calls',
    imports: [...COMMON, 'src/compute/hf', 'src/compute/compile'],
    packages: [NODE, TFJS, '@tensorflow/tfjs-backend-cpu', 'onnxruntime-node'],
  },
  'src/compute/models': {
    holds: 'model families and model folders',
    imports: BELOW_MODELS,
    packages: [NODE, TFJS, 'zod'],
  },
  'src/compute/programs': {
    holds: 'forward, policy, prefill, decode',
    imports: BELOW_PROGRAMS,
    packages: [NODE, TFJS],
  },
  'src/compute/rollout': {
    holds: 'generating responses, token by token',
    imports: BELOW_ROLLOUT,
    packages: [NODE, TFJS],
  },
  'src/compute/training': {
    holds: 'trainer, step, optimizer, passes, checkpoint',
    imports: BELOW_TRAINING,
    packages: [NODE, TFJS, 'zod'],
  },
  'src/compute/objectives': {
    holds: 'a file each: settings, loss, preparation',
    imports: [...BELOW_OBJECTIVES, 'src/learn'],
    packages: [NODE, TFJS, 'zod'],
  },
  'src/compute/memory': {
    holds: 'what a run takes of memory, by part',
    imports: BELOW_OBJECTIVES,
    packages: [],
  },
  'src/compute/kernel-report': {
    holds: 'which kernels a model needs and an engine has',
    imports: [...BELOW_OBJECTIVES, 'src/compute/memory'],
    packages: [],
  },
  'src/compute/threads': {
    holds: 'the pool, its worker threads, versions',
    imports: BELOW_THREADS,
    packages: [NODE, 'piscina'],
  },

  // Parts that name the parts above.
  'src/config': {
    holds: 'one strict schema, presets, reading the file',
    imports: [...COMMON, 'src/data', 'src/compute/models', 'src/compute/objectives'],
    packages: [NODE, 'yaml', 'zod'],
  },
  'src/policy': { holds: 'what samples and learns: interfaces', imports: COMMON, packages: [NODE] },
  'src/policy/local': {
    holds: 'a policy in threads of this process',
    imports: [
      ...BELOW_THREADS,
      'src/compute/memory',
      'src/compute/kernel-report',
      'src/compute/threads',
      'src/learn',
      'src/config',
      'src/policy',
    ],
    packages: [NODE],
  },
  'src/policy/tinker': {
    holds: 'a policy on a Tinker API server',
    imports: [...BELOW_THREADS, 'src/learn', 'src/config', 'src/policy'],
    packages: [NODE, 'tar-stream', 'zod'],
  },
  'src/plugin': {
    holds: 'definePlugin, the table of ports, loading',
    imports: [...COMMON, 'src/learn', 'src/data', 'src/compute/rollout/model-text'],
    packages: [NODE, 'piscina', 'zod'],
  },

  'src/cluster': {
    holds: 'workers on other machines: leases over NATS, files over HTTP',
    imports: [
      ...COMMON,
      'src/protocol/codec',
      'src/data',
      'src/config',
      'src/policy',
      'src/policy/local',
      'src/plugin',
      'src/compute/hf',
      'src/compute/rollout/model-text',
    ],
    packages: [NODE, '@nats-io/jetstream', '@nats-io/transport-node', 'zod'],
  },

  // The loop.
  'src/roles': {
    holds: 'questioner, sampler, voter, learner, evaluator, synthesizer, and the calls that stages make of them',
    imports: PARTS.filter((room) => room !== 'src/store'),
    packages: [NODE],
  },
  actors: { holds: 'machines: what runs, what restarts what', imports: COMMON, packages: [NODE, 'xstate'] },
  streams: {
    holds: 'the loop as streams: pipeline.ts and its small machines',
    imports: [...PARTS, 'src/roles'],
    packages: [NODE, 'rxjs'],
  },
  'dashboards/server': {
    holds: 'the page over HTTP and WebSocket, /metrics',
    imports: [...COMMON, 'src/protocol/codec', 'src/protocol/command-schema', 'src/learn', 'src/store'],
    packages: [NODE, 'prom-client', 'rxjs', 'sharp', 'tar-stream', 'ws', 'zod'],
  },
  'dashboards/client': {
    holds: 'the page, in a browser',
    imports: ['src/protocol/frames', 'src/protocol/commands', 'src/protocol/codec', 'src/protocol/event-words'],
    packages: ['preact', 'uplot'],
  },
  'dashboards/client/vite.config': { holds: 'how the page is built', imports: [], packages: [NODE, 'vite'] },

  // Whole programs.
  'src/daemon': {
    holds: 'compose and lifecycle: parts in, a running daemon out',
    imports: [
      ...PARTS,
      'src/protocol/command-schema',
      'src/compute/hf',
      'src/compute/models/folder',
      'src/compute/rollout/model-text',
      'src/policy/local',
      'src/cluster',
      'src/policy/tinker',
      'src/roles',
      'actors',
      'streams',
      'dashboards/server',
    ],
    packages: [NODE, 'rxjs', 'zod'],
  },
  'src/api': {
    holds: "functions for scripts, which 'quorum' exports",
    imports: [...PARTS, 'src/policy/local', 'src/roles', 'src/daemon'],
    packages: [NODE],
  },
  'src/pretrain': {
    holds: 'how the bundled models were made, and models with random weights',
    imports: [...BELOW_OBJECTIVES],
    packages: [NODE, 'piscina'],
  },
  'src/experiment': {
    holds: 'methods compared over seeds',
    imports: [...PARTS, 'src/compute/hf', 'src/compute/objectives', 'src/policy/local', 'src/roles', 'src/daemon'],
    packages: [NODE],
  },
  'src/cli': {
    holds: 'the command, the terminal view',
    imports: [
      ...PARTS,
      'src/compute/hf',
      'src/compute/engine',
      'src/compute/models',
      'src/compute/training',
      'src/compute/memory',
      'src/compute/kernel-report',
      'src/policy/local',
      'src/cluster',
      'src/roles',
      'streams',
      'src/daemon',
      'src/api',
      'src/pretrain',
      'src/experiment',
    ],
    packages: [NODE, 'commander', 'log-update', 'picocolors', 'string-width'],
  },

  // What other people import.
  'src/index': { holds: "'quorum'", imports: [...PARTS, 'src/api', 'src/daemon'], packages: [NODE] },
  'src/testing': {
    holds: "'quorum/testing'",
    imports: [...PARTS, 'src/roles', 'actors', 'streams', 'src/daemon'],
    packages: [NODE],
  },
  'src/objectives': {
    holds: "'quorum/objectives'",
    imports: ['src/compute/training', 'src/compute/objectives'],
    packages: [],
  },
  'src/plugins': {
    holds: "plug-ins that come with Quorum, written as anyone's",
    imports: [],
    packages: [NODE, 'quorum', 'prom-client', 'protobufjs', 'ws', 'zod'],
  },
  examples: { holds: 'scripts over the public API', imports: [], packages: [NODE, 'quorum'] },
};
