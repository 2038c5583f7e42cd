/**
 * The one configuration schema: strict, units in the names, every default here (those of other presets: preset.ts).
 * `loadConfig` reads it from files, `describeConfig` lists it.
 */
import { z } from 'zod';
import { adapterSettings } from '../compute/models/adapters.ts';
import { MOST } from '../compute/objectives/limits.ts';
import { OBJECTIVES, objectiveSchema } from '../compute/objectives/registry.ts';
import { sharedSettings } from '../compute/objectives/settings.ts';
import { ANSWER_KINDS } from '../data/choice-labels.ts';
import { RENDERINGS } from '../data/figures/canvas.ts';
import { FAMILY_NAMES } from '../data/figures/ladder/table.ts';
import { SCENE_KINDS } from '../data/figures/scenes.ts';
import { PROMPT_NAMES } from './prompts.ts';

/** Sets of defaults (preset.ts); `legacy` is for runs from before presets existed. */
export const PRESETS = ['mini', 'ladder', 'vlm', 'legacy'] as const;

export type PresetName = (typeof PRESETS)[number];

const positive = () => z.number().positive();
const count = () => z.int().positive();
const share = () => z.number().min(0).max(1);
/** With decay 1 a moment would never change. */
const decay = () => z.number().min(0).lt(1);
/** A smaller divisor may make logits infinite. */
const temperature = () => z.number().min(0.01).max(10);
/** A start lists each of them: a million take a minute. */
const MOST_QUESTIONS = 1_000_000;
/** Longest wait of a timer is 24 days. */
const milliseconds = () => positive().max(86_400_000);
const seed = () => z.int().min(0).max(0xffff_ffff);

/** Of the data sets that are drawn. */
const drawn = {
  seed: seed().default(0).describe('Seed that the pictures and questions are drawn from.'),
  trainQuestions: count()
    .max(MOST_QUESTIONS)
    .default(20_000)
    .describe('Questions in the training pool; drawn when needed, not stored.'),
  heldOutQuestions: count()
    .max(MOST_QUESTIONS)
    .default(1_000)
    .describe('Held-out questions; their pictures are not in the training pool.'),
  rendering: z
    .enum(RENDERINGS)
    .default('plain')
    .describe('How much the drawings stray: `hard` has more jitter and noise, `harsh` much more.'),
};

const figuresData = z.strictObject({
  type: z.literal('figures'),
  ...drawn,
  kinds: z
    .array(z.enum(SCENE_KINDS))
    .min(1)
    .default([...SCENE_KINDS])
    .describe('Kinds of picture.'),
});

const ladderData = z.strictObject({
  type: z.literal('ladder'),
  ...drawn,
  families: z
    .array(z.enum(FAMILY_NAMES))
    .min(1)
    .default([...FAMILY_NAMES])
    .describe('Families of pictures, each in levels from 1 to 12.'),
});

const columns = z
  .strictObject({
    question: z
      .string()
      .min(1)
      .optional()
      .describe('Column of questions; default: `problem`, `question`, or that of a chat.'),
    pictures: z
      .string()
      .min(1)
      .optional()
      .describe('Column of pictures; default: `images`, `image`, `decoded_image`, `image_path` or `file_name`.'),
    answer: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Column of answers, for evaluation; default: `answer`, `ground_truth`, `solution` or `reward_model.ground_truth`.',
      ),
    choices: z
      .string()
      .min(1)
      .nullish()
      .describe(
        'Column of choices; default: `choices`, `options` or `option`. With null none is read: the question is asked, and its answer compared, without them.',
      ),
    decimals: z
      .string()
      .min(1)
      .optional()
      .describe('Column of decimals to which answers are rounded before they are compared; default: `precision`.'),
    kind: z
      .string()
      .min(1)
      .optional()
      .describe('Column to report accuracy by; `metadata.task` is field `task` of the structs in `metadata`.'),
    id: z.string().min(1).optional().describe('Column of ids; default: `id`, or else the row.'),
    level: z
      .string()
      .min(1)
      .optional()
      .describe('Column of levels of difficulty, numbers, to report accuracy by; default: `level`.'),
  })
  .prefault({});

const paths = () => z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const fileData = z.strictObject({
  type: z.enum(['files', 'jsonl', 'parquet']),
  trainFile: paths().describe(
    'File, folder, or pattern such as `data/train-*.parquet`, or a list of them: docs/data.md lists the formats.',
  ),
  heldOutFile: paths()
    .optional()
    .describe('The same, to evaluate on; without it a share of the training rows is held out by picture.'),
  heldOutShare: share()
    .default(0.1)
    .describe(
      'Share of `trainFile` to hold out when there is no `heldOutFile`: by picture, or by question when there are too few pictures. With 0 nothing is held out and nothing is evaluated.',
    ),
  split: z
    .string()
    .min(1)
    .optional()
    .describe('Split to train on, if files are named after splits or rows have a column `split`.'),
  heldOutSplit: z
    .string()
    .min(1)
    .optional()
    .describe('Split to evaluate on, of `heldOutFile` or, without it, of `trainFile`.'),
  pictureFolder: z
    .string()
    .min(1)
    .optional()
    .describe("Folder that paths of pictures are relative to; default: that of the data's file."),
  answerIs: z
    .enum(ANSWER_KINDS)
    .optional()
    .describe(
      'Kind of the answers to multiple-choice questions: `index` counts the choices from 0; default: inferred from the answers.',
    ),
  columns,
});

const schedule = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant') }),
  z.strictObject({
    type: z.literal('linear'),
    totalSteps: count().describe('Steps until the rate reaches its floor.'),
    floorShare: share().default(0).describe('Final rate as a share of `learningRate`.'),
  }),
  z.strictObject({
    type: z.literal('cosine'),
    totalSteps: count().describe('Steps until the rate reaches its floor.'),
    floorShare: share().default(0.1).describe('Final rate as a share of `learningRate`.'),
  }),
]);

const pictures = z.strictObject({
  maxTokens: count()
    .max(65_536)
    .default(512)
    .describe('Maximum of tokens that a picture takes in the prompt: a larger picture is scaled down.'),
  cacheMegabytes: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(4_096)
    .describe(
      'Size of the cache in the run folder of what a frozen vision tower makes of pictures, for runs that train an adapter.',
    ),
});

const sampling = z.strictObject({
  samples: z.int().min(2).max(1024).default(10).describe('G, responses sampled for each question.'),
  temperature: temperature().default(1).describe('Sampling temperature while training.'),
  topP: z.number().gt(0).max(1).default(1).describe('Nucleus sampling; below 1 it biases importance ratios.'),
  topK: z.int().min(0).default(0).describe('Keep the k likeliest tokens; 0 is off.'),
  maxNewTokens: count().max(65_536).default(28).describe('Longest response, in tokens.'),
});

const prompt = z.strictObject({
  preset: z
    .enum(PROMPT_NAMES)
    .nullable()
    .default(null)
    .describe(
      'A prompt by name: `mm-upt` is that of the paper, `easyr1` asks for the working in `<think>`. It sets `promptTemplate` and `prompt.system` where they are not given.',
    ),
  system: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('System turn before each question; null leaves it to the chat template of the model.'),
});

const loop = z.strictObject({
  batchGroups: count().max(65_536).default(32).describe('Kept groups (questions) in one learner step.'),
  maxStaleness: z
    .int()
    .min(0)
    .max(64)
    .default(2)
    .describe('Oldest group a batch may hold, in policy versions; 0 is synchronous.'),
  jobQuestions: count().max(65_536).default(16).describe('Questions that a sampler takes at once.'),
  maxOversample: z
    .number()
    .min(1)
    .max(1_000)
    .default(4)
    .describe('Questions sampled for one batch at most, as a multiple of `batchGroups`.'),
  questions: count()
    .nullable()
    .default(null)
    .describe('Stop after the learner step that follows this many sampled questions; null is no limit.'),
  steps: count().nullable().default(null).describe('Stop after this many learner steps; null is no limit.'),
  stopWhen: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Stop when this condition holds, such as `accuracy >= 0.9 and version > 50`: comparisons of metrics with numbers, checked after each step and evaluation.',
    ),
});

/** More tokens than any memory holds. */
const MOST_PASS_TOKENS = 2 ** 30;

const learner = z.strictObject({
  objective: objectiveSchema
    .default({ type: 'grpo' })
    .describe(
      `${OBJECTIVES.map(({ name, summary }) => `\`${name}\` ${summary}`).join('; ')}; \`module\` is read from a file. See docs/objectives.md.`,
    ),
  adapter: adapterSettings
    .default({ type: 'none' })
    .describe(
      'The trained part: `none` is the whole model, `lora` low-rank updates of its linear layers, while the model itself is frozen.',
    ),
  learningRate: positive().max(1).default(5e-5).describe('AdamW learning rate after warm-up.'),
  warmupSteps: z.int().min(0).default(0).describe('Learner steps over which the rate rises from 0.'),
  schedule: schedule
    .default({ type: 'constant' })
    .describe(
      'Learning rate after warm-up: `constant`, which suits a run without an end, or falling to a share of itself and staying there.',
    ),
  betas: z.tuple([decay(), decay()]).default([0.9, 0.99]).describe('AdamW decay of the first and second moments.'),
  weightDecay: z.number().min(0).max(1).default(0.01).describe('AdamW decoupled weight decay.'),
  gradientClipNorm: z.number().min(1e-9).max(MOST).default(1).describe('Largest global norm of the gradient.'),
  minibatches: count().max(1_024).default(2).describe('Optimizer updates in one learner step.'),
  recompute: z
    .boolean()
    .default(false)
    .describe(
      'Computes each block of the model again in the backward pass instead of keeping what it computed: a step takes one forward pass more, and much less memory where responses are long.',
    ),
  passTokens: z
    .union([z.enum(['auto']), count().max(MOST_PASS_TOKENS)])
    .default('auto')
    .describe(
      'Tokens in one forward and backward pass, padding included: prompts once each, and their responses. `auto`: passes of up to 4 groups, fewer for long responses, and smaller ones where memory is short.',
    ),
  ...sharedSettings,
});

const filters = z.strictObject({
  dropAllAgree: z
    .boolean()
    .default(true)
    .describe('Drop groups in which all answers agree: their advantages are zero.'),
  dropNoBox: z.boolean().default(true).describe('Drop groups in which most responses have no boxed answer.'),
  shareFloor: share()
    .default(0.6)
    .describe('Drop groups whose winning answer has a smaller share of the votes; 0 is off.'),
});

const reward = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      'Whether the model learns to write questions: rewarded for those whose votes are split but not lost, unlike the others, of kinds seldom written lately. Needs `synthesis.mode` and an objective that follows advantages.',
    ),
  everySteps: z
    .int()
    .min(2)
    .default(4)
    .describe('Every how many learner steps one learns from written questions in place of answers.'),
  groups: count()
    .max(65_536)
    .default(8)
    .describe('Prompts to write in such a step, at most `loop.batchGroups` of them.'),
  questions: z.int().min(2).max(1024).default(8).describe('Questions written to each prompt.'),
  votes: z.int().min(2).max(1024).default(8).describe('Answers that vote on each written question.'),
});

const synthesis = z.strictObject({
  mode: z
    .enum(['off', 'direct', 'in-context', 'both'])
    .default('off')
    .describe(
      'Questions that the model writes itself: `direct` about a picture alone, `in-context` as a variation of a question of the data set.',
    ),
  share: share().default(0.5).describe('Share of the questions asked that are synthetic, once there are enough.'),
  rampSteps: z.int().min(0).default(0).describe('Learner steps over which that share rises from 0.'),
  poolQuestions: count().max(65_536).default(256).describe('Synthetic questions that wait to be asked, at most.'),
  batchQuestions: count().max(1_024).default(16).describe('Questions written at once.'),
  maxUses: count().default(2).describe('Times that a synthetic question is asked, at most.'),
  maxWords: count().default(60).describe('Words of a question, at most.'),
  duplicateSimilarity: share()
    .default(0.8)
    .describe(
      'Similarity from which a question counts as a repetition of its seed, or of another question about the same pictures.',
    ),
  temperature: temperature().default(1).describe('Sampling temperature while writing questions.'),
  maxNewTokens: count().max(4_096).default(28).describe('Longest question, in tokens.'),
  directPrompt: z
    .string()
    .min(1)
    .default('Ask a question about this picture.')
    .describe('Prompt that goes with the picture.'),
  inContextPrompt: z
    .string()
    .includes('{question}')
    .default('Ask a new question like: {question}')
    .describe('Prompt that goes with the picture; `{question}` stands for the question to differ from.'),
  reward: reward.prefault({}),
});

const curriculum = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      'Order of the questions: `off` asks each once an epoch, `on` those whose answers are split but not lost. It reads verdicts, never labels.',
    ),
  target: share()
    .default(0.8)
    .describe(
      'Share of the groups to be learnt from: the choice stays as near to uniform over questions as this allows.',
    ),
  exploreShare: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.1)
    .describe(
      'Share of the questions that go to the kinds with the least evidence, so that forgetting and new kinds show.',
    ),
  halfLifeSteps: count().max(1_000_000).default(20).describe('Learner steps after which a verdict counts half.'),
});

const evaluation = z.strictObject({
  everySteps: count().default(5).describe('Learner steps between quick (greedy) evaluations.'),
  questions: count().default(200).describe('Held-out questions in a quick evaluation, at most.'),
  fullEverySteps: count()
    .default(100)
    .describe('Learner steps between full evaluations (greedy, pass@1, maj@k, pass@k).'),
  fullQuestions: count().default(300).describe('Held-out questions in a full evaluation, at most.'),
  k: z.int().min(2).max(1_024).default(10).describe('Samples a question for maj@k and pass@k.'),
});

const checkpoints = z.strictObject({
  everySteps: count().default(25).describe('Learner steps between checkpoints; one is also written at a stop.'),
  keepLast: count().default(3).describe('Newest checkpoints to keep, in addition to the best one.'),
});

const guardian = z.strictObject({
  mode: z
    .enum(['off', 'watch', 'act'])
    .default('watch')
    .describe('Response to a collapse: `act` rolls back and restarts with milder settings, `watch` only reports it.'),
  everySteps: count()
    .default(10)
    .describe(
      'Learner steps between probes of the canaries: a quarter of them in doubt and after a roll-back, one on suspicion.',
    ),
  canaries: z
    .int()
    .min(16)
    .max(1_024)
    .default(96)
    .describe('Fixed questions that a probe asks, with 6 responses each.'),
  labelled: z.boolean().default(false).describe('Let the guardian see the labels of canaries that have one.'),
  confirmSteps: count()
    .default(3)
    .describe(
      'Steps in a row that must show a collapse before the guardian acts, where no two probes in a row show it.',
    ),
  calmSteps: count().default(10).describe('Steps in a row without a sign of collapse before a watch ends.'),
  trustSteps: count().default(40).describe('Healthy steps that must follow a version before it is trusted.'),
  maxTries: z
    .int()
    .min(0)
    .default(3)
    .describe('Roll-backs without lasting success before learning pauses until a resume.'),
  forgiveSteps: count().default(500).describe('Healthy steps after which earlier roll-backs no longer count.'),
  rateFactor: z.number().gt(0).lt(1).default(0.3).describe('The learning rate is multiplied by it at each roll-back.'),
  floorRise: share().default(0.1).describe('The share floor rises by it at each roll-back, up to 0.8.'),
});

const gpu = () => z.templateLiteral(['cuda:', z.string().regex(/[0-9]+/)]);

const devices = () =>
  z
    .union([
      z.enum(['auto']),
      z
        .array(z.enum(['cpu', 'cuda']).or(gpu()))
        .min(1)
        .max(256),
    ])
    .default('auto');

const workers = z.strictObject({
  engine: z
    .enum(['auto', 'cpu', 'webgpu', 'cuda', 'tensorflow', 'reference', 'tinker'])
    .or(gpu())
    .default('cpu')
    .describe(
      'Engine that runs the programs; `quorum doctor` lists those that work here. `cuda:1` is the second GPU. The daemon does not start on `webgpu`. With `tinker` the server in `tinker` samples and learns (docs/machines.md).',
    ),
  compute: z
    .enum(['auto', 'bf16', 'f16', 'f32'])
    .default('auto')
    .describe(
      'Type in which programs compute, with islands of float32: softmax, norms, log-probabilities, loss, trained weights and optimizer. `auto` is bf16 on `cuda`, f32 elsewhere. 16 bits need the engine `cuda`, or `cpu`, where they are slower than f32.',
    ),
  rollout: devices().describe(
    'Device of each sampler thread, such as `["cuda:0", "cuda:1"]` or `["cpu", "cpu"]`; `auto`: `rolloutWorkers` threads on the engine, on several GPUs at least one a GPU.',
  ),
  learner: devices().describe(
    'Device of each learner thread; several divide the passes of a step. `auto`: one thread, with several GPUs on a GPU of its own.',
  ),
  rolloutWorkers: count()
    .max(256)
    .default(1)
    .describe(
      'Sampler threads, each with its own copy of the weights that are trained; `workers.rollout` sets their devices one by one.',
    ),
  rolloutThreads: count()
    .max(1_024)
    .default(1)
    .describe(
      'CPU threads of each sampler, which share each product. Small models are slower with more than one, as `quorum doctor` measures; more samplers share the rows instead.',
    ),
  rolloutRows: count()
    .max(MOST_QUESTIONS)
    .nullable()
    .default(null)
    .describe(
      'Responses that a sampler decodes at once, but at least those of one question; null takes a whole job, or as many of its questions as free memory holds. The tokens do not depend on it.',
    ),
  memoryGigabytes: positive()
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe(
      'Memory that the run may take, of the GPU on `cuda` and of the host otherwise; null takes what is free. A start that needs more is refused.',
    ),
  copiesGigabytes: positive()
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe(
      'Memory that each thread may take for further programs: on a GPU each has a copy of the frozen weights and the tensors of its largest run, on the processor a learner has these tensors. A change to a program for which there is no room makes it anew. null takes half of what the run leaves free, on a GPU at least 1 GB.',
    ),
  learnerThreads: count().max(1_024).default(1).describe('CPU threads of each learner thread.'),
});

const cluster = z.strictObject({
  nats: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Address of a NATS server with JetStream, such as `nats://10.0.0.5:4222` (several: with commas), through which workers join; null is no cluster. Credentials come from the environment: docs/machines.md.',
    ),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default('quorum')
    .describe('Name of the cluster, for several runs on one NATS server; workers join it by `--cluster`.'),
  host: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Address at which workers fetch versions, the model and pictures; null: that of this machine on the way to the NATS server.',
    ),
  port: z.int().min(0).max(65_535).default(0).describe('Port of that; 0 picks a free one.'),
  jobs: count()
    .max(1_024)
    .default(8)
    .describe('Jobs in hand at once, each of `loop.jobQuestions` questions: at least as many as workers have devices.'),
  leaseSeconds: positive()
    .max(3_600)
    .default(15)
    .describe(
      'Time after which a job of a worker that fell silent is given to another one, and its pass computed by the daemon.',
    ),
  checkShare: share()
    .default(0.02)
    .describe(
      'Share of the jobs of each worker of which the daemon scores a group again, and of the passes whose gradient it computes again; 0 is off.',
    ),
  tolerance: positive()
    .default(0.05)
    .describe(
      'Mean difference of log-probabilities, in nats a token, up to which a worker sampled with the version that it was told to.',
    ),
  gradientTolerance: positive()
    .default(0.1)
    .describe(
      "Distance of a worker's gradient from the daemon's own, in norms of that, up to which it is the same on other hardware.",
    ),
});

const tinker = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https address' })
    .refine(
      (url) => !URL.canParse(url) || new URL(url).username === '',
      'expected an address without a user: the key is in `tinker.keyVariable`',
    )
    .nullable()
    .default(null)
    .describe('Address of a Tinker API server, such as `http://gpu1:8000`, for `workers.engine` tinker.'),
  model: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Name under which the server has the base whose tokenizer and chat template are in `model`.'),
  keyVariable: z.string().min(1).default('TINKER_API_KEY').describe('Environment variable with the key of the server.'),
  maxInHand: count().max(4_096).default(64).describe('Requests that the server has in hand at most.'),
  backoffMilliseconds: milliseconds()
    .default(250)
    .describe('Wait before a request is sent again, eight times at most; it doubles with each.'),
});

const supervision = z.strictObject({
  maxRestarts: z
    .int()
    .min(0)
    .default(5)
    .describe('Restarts of one part within the window; beyond it the failure goes to its parent.'),
  withinSeconds: positive().default(300).describe('Window of `maxRestarts`.'),
  backoffMilliseconds: milliseconds().default(250).describe('Wait before the first restart; it doubles with each.'),
  maxBackoffMilliseconds: milliseconds().default(30_000).describe('Longest wait before a restart.'),
});

const timeouts = z.strictObject({
  openSeconds: positive()
    .default(180)
    .describe(
      'Loading a model and compiling its first programs, loading a plug-in while the daemon runs, and opening one port of it.',
    ),
  sampleSeconds: positive()
    .default(600)
    .describe(
      'One sampler job without progress: no program of the model ends in this time. For a plug-in that samples, the whole job.',
    ),
  judgeSeconds: positive().default(5).describe('Comparing one pair of answers; past it they count as different.'),
  learnSeconds: positive().default(600).describe('One learner step, likewise without progress.'),
  evaluateSeconds: positive().default(1_800).describe('One evaluation, likewise without progress.'),
  saveSeconds: positive().default(300).describe('Writing one checkpoint.'),
  pluginSeconds: positive()
    .default(30)
    .describe('One call of a plug-in (a reward, an advantage, a filter, a page for an exporter, a panel).'),
  stopSeconds: positive().default(120).describe('Finishing the step in hand at a stop.'),
});

const store = z.strictObject({
  maxGroups: count().default(20_000).describe('Learnt or dropped groups kept for inspection.'),
  maxDays: positive().default(30).describe('Age at which learnt or dropped groups and events may go.'),
  maxEvents: count().default(20_000).describe('Events kept.'),
  maxMetricPoints: z.int().min(100).default(20_000).describe('Points kept for each metric; older ones are thinned.'),
  maxVersions: count().default(50_000).describe('Version rows and evaluations kept; the best evaluation always stays.'),
  maxAnswerVersions: count()
    .default(200)
    .describe(
      'Number of versions whose answers to held-out questions are kept, in addition to version 0 and the best version.',
    ),
});

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least serious line that is written.'),
  maxMegabytes: positive().default(10).describe('Size at which the log file is rotated.'),
  maxFiles: count().max(1_000).default(5).describe('Log files kept, the current one included.'),
});

const token = () => z.string().min(16).max(256).optional();
const dashboard = z.strictObject({
  port: z
    .int()
    .min(0)
    .max(65_535)
    .nullable()
    .default(4747)
    .describe('Port of the dashboard; 0 picks a free one, null is no dashboard.'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. Any but a loopback address asks for a token.'),
  viewToken: token().describe(
    'At least 16 characters; allows viewing. Prefer QUORUM_DASHBOARD_VIEW_TOKEN, which is not stored in a file. If a token is needed and none is set, the daemon makes one and keeps it in the run folder.',
  ),
  controlToken: token().describe(
    'At least 16 characters; allows viewing and commands. Prefer QUORUM_DASHBOARD_CONTROL_TOKEN. Made like `viewToken`.',
  ),
  allowedHosts: z
    .array(z.string().min(1))
    .max(64)
    .default([])
    .describe(
      'Names by which browsers may reach it, in addition to localhost and `host` (no port): a proxy, a name in the DNS.',
    ),
  maxClients: count().max(10_000).default(64).describe('Pages open at once; more are turned away.'),
});

/** Built-in plug-ins with the port `check`. */
const CHECKS = ['equations', 'whole', 'premises', 'views'] as const;

const PLUGIN =
  'expected a package name, a file path, the result of definePlugin, or {use, options, thread, labels} with one of these';
const definition = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && 'apiVersion' in value,
  PLUGIN,
);
const plugin = z.union(
  [
    z.string().min(1),
    definition,
    z.strictObject({
      use: z.union([z.string().min(1), definition], 'a package name, a file path or definePlugin(...)'),
      options: z.unknown().optional(),
      thread: z
        .union(
          [z.boolean(), z.strictObject({ heapMegabytes: z.int().min(16) })],
          'true | false | {heapMegabytes: whole number >= 16}',
        )
        .optional(),
      labels: z.boolean('true | false').optional(),
    }),
  ],
  { error: PLUGIN },
);

export const configSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .default('./models/mini')
    .describe(
      'Hugging Face folder of the base model. If none is set, `./models/ladder` where the data is the ladder; where the default does not exist, the same one in the package.',
    ),
  runFolder: z.string().min(1).default('./runs/default').describe('Folder of this run: database, log, checkpoints.'),
  seed: seed().default(0).describe('Seed of all randomness.'),
  preset: z
    .enum(['auto', ...PRESETS])
    .default('auto')
    .describe(
      'Preset whose defaults apply to settings that are not set. `auto`: the preset that the run started with; for a new run, the preset that fits the model folder.',
    ),
  data: z
    .discriminatedUnion('type', [figuresData, ladderData, fileData])
    .prefault({ type: 'figures' })
    .describe(
      'Source of the questions; `files` (older names: `jsonl`, `parquet`) detects the format from the file. If it is not set: the built-in data of the run that continues, or that saved the model; else `figures` for a named model, and `ladder` without one, its family `digits` with 300 held-out questions.',
    ),
  promptTemplate: z
    .string()
    .includes('{question}')
    .default('{question}')
    .describe(
      'Prompt of a question; {question} is its text. A model that is not trained to box its answers needs a prompt that asks for the box: without a box there is no vote.',
    ),
  prompt: prompt.prefault({}),
  pictures: pictures.prefault({}),
  sampling: sampling.prefault({}),
  loop: loop.prefault({}),
  learner: learner.prefault({}),
  checks: z
    .array(z.enum(CHECKS))
    .max(CHECKS.length)
    .default([])
    .describe(
      'Checks that the work of a response must pass to have a vote, in this order; see docs/checks.md. Each is the built-in plug-in of its name; list it in `plugins` too to give it options.',
    ),
  filters: filters.prefault({}),
  synthesis: synthesis.prefault({}),
  curriculum: curriculum.prefault({}),
  evaluation: evaluation.prefault({}),
  checkpoints: checkpoints.prefault({}),
  guardian: guardian.prefault({}),
  workers: workers.prefault({}),
  tinker: tinker.prefault({}),
  cluster: cluster.prefault({}),
  supervision: supervision.prefault({}),
  timeouts: timeouts.prefault({}),
  store: store.prefault({}),
  log: log.prefault({}),
  dashboard: dashboard.prefault({}),
  plugins: z
    .array(plugin)
    .max(256)
    .default([])
    .describe('Plug-ins: objects made by definePlugin, package names, file paths, or {use, options, thread, labels}.'),
});

/** The complete configuration of a daemon. */
export type Config = z.output<typeof configSchema>;
/** A user's configuration: every key is optional. */
export type ConfigInput = z.input<typeof configSchema>;

/** Gives `quorum.config.ts` its types. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
