/**
 * Does the mini learn jigsaws from the rule alone (Jigsaw-R1, arXiv 2505.23590)? Runs one daemon with the plug-in per
 * seed, then measures greedy accuracy on jigsaws of held-out pictures. It uses no label of the data set;
 * docs/methods/jigsaw.md reports the numbers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluator } from '../src/roles/evaluator.ts';
import { configSchema, type Config, type ConfigInput } from '../src/config/schema.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { HELDOUT_POOL, openFigures } from '../src/data/figures/dataset.ts';
import { loadPicture } from '../src/data/picture.ts';
import { statistics } from '../src/experiment/statistics.ts';
import { extractAnswer } from '../src/learn/answer.ts';
import { Grader } from '../src/learn/grader.ts';
import { openPort } from '../src/plugin/open-port.ts';
import type { PortContext } from '../src/plugin/define.ts';
import jigsaw from '../src/plugins/jigsaw.ts';
import { openForSampling } from '../src/policy/local/open.ts';
import type { Sampler } from '../src/policy/sampler.ts';
import type { Question, Sample } from '../src/protocol/messages.ts';
import type { PortName, Rewarded } from '../src/protocol/ports.ts';
import type { Row } from './measure.ts';

/**
 * Prompts in words that models/mini knows. The answer is 1 if the piece at the place named first comes first in
 * row-major order, otherwise 2.
 */
export const MINI = {
  form: 'pair',
  levels: ['2x1'],
  formatWeight: 0,
  pairPrompt: 'How many squares {first} {second}?',
  relations: ['1', '2', '1', '2', '1', '1', '2', '2'],
} as const;

/**
 * The defaults, except that a rule as reward allows a lower KL coefficient and a constant rate. The guardian is off: it
 * looks for one answer to many questions, the collapse of a vote; with only two answers it would take learning for that
 * and roll it back.
 */
const SETTINGS: ConfigInput = {
  sampling: { maxNewTokens: 16 },
  learner: { learningRate: 5e-5, klCoefficient: 0.05, schedule: { type: 'constant' } },
  guardian: { mode: 'off' },
  evaluation: { everySteps: 1_000_000, fullEverySteps: 1_000_000, questions: 10, fullQuestions: 10 },
  dashboard: { port: null },
};

const HELD_OUT = 500;
/** Percent right by guessing one of two answers. */
const CHANCE = 50;

/** Greedy accuracy in percent, on held-out jigsaws and on the questions that the mini was trained for. */
interface Measured {
  readonly jigsaws: number;
  readonly figures: number;
}

export async function benchJigsaw(model: string, steps: number, runs: number): Promise<Row[]> {
  const before = await measure(configOf(model, 0, {}));
  const after: Measured[] = [];
  const seconds: number[] = [];
  for (let seed = 0; seed < runs; seed++) {
    const trained = await train(model, seed, steps);
    after.push(trained.measured);
    seconds.push(trained.seconds);
  }
  const note = `greedy, n = ${HELD_OUT}`;
  const rows = (name: string, of: (measured: Measured) => number): Row[] => [
    { name: `${name}, base`, value: of(before), unit: '%', note },
    { name: `${name}, after ${steps} steps`, unit: '%', ...summary(after.map(of)) },
  ];
  return [
    ...rows('held-out jigsaws', ({ jigsaws }) => jigsaws),
    { name: 'held-out jigsaws, chance', value: CHANCE, unit: '%' },
    ...rows('held-out figures', ({ figures }) => figures),
    { name: 'training', unit: 's', ...summary(seconds) },
  ];
}

function summary(values: readonly number[]): Pick<Row, 'value' | 'note'> {
  const { mean, deviation } = statistics(values);
  return {
    value: mean,
    note: `sd ${deviation?.toFixed(1) ?? '-'}; by seed: ${values.map((value) => value.toFixed(1)).join(', ')}`,
  };
}

async function train(
  model: string,
  seed: number,
  steps: number,
): Promise<{ readonly measured: Measured; readonly seconds: number }> {
  const runFolder = await mkdtemp(join(tmpdir(), 'quorum-jigsaw-'));
  try {
    const config = configOf(model, seed, { runFolder, loop: { steps }, plugins: [{ use: jigsaw, options: MINI }] });
    const daemon = await startDaemon(config);
    const report = await daemon.closed();
    if (report.end !== 'steps') throw new Error(`seed ${seed} failed: ${report.error ?? report.end}`);
    return { measured: await measure({ ...config, model: report.folder }), seconds: report.wallSeconds };
  } finally {
    await rm(runFolder, { recursive: true, force: true });
  }
}

function configOf(model: string, seed: number, own: ConfigInput): Config {
  return configSchema.parse({ ...SETTINGS, ...own, model, seed });
}

async function measure(config: Config): Promise<Measured> {
  await using sampler = await openForSampling(config);
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const { dataset: heldOut, labels } = openFigures(HELDOUT_POOL);
  const evaluation = { ...config.evaluation, questions: HELD_OUT, fullQuestions: HELD_OUT };
  const evaluate = evaluator({ sampler, heldOut, labels, grader, config: { ...config, seed: 0, evaluation } });
  const { greedy } = await evaluate({ version: 0, full: false }, new AbortController().signal);
  return { jigsaws: 100 * (await jigsawAccuracy(sampler, config)), figures: 100 * greedy! };
}

/** Uses the plug-in's own questions and judgement; the jigsaws are the same for every seed. */
async function jigsawAccuracy(sampler: Pick<Sampler, 'sample'>, { sampling, loop }: Config): Promise<number> {
  const { signal } = new AbortController();
  const ask = await openPort(jigsaw, 'ask', heldOutContext<'ask'>(), MINI);
  const reward = await openPort(jigsaw, 'reward', heldOutContext<'reward'>(), MINI);
  const params = { ...sampling, samples: 1, temperature: 0 };
  let right = 0;
  const atOnce = loop.jobQuestions * sampling.samples;
  for (let from = 0; from < HELD_OUT; from += atOnce) {
    const questions = await ask({ from, count: Math.min(atOnce, HELD_OUT - from) }, signal);
    const { groups } = await sampler.sample({ questions, params, seed: 0, version: 0 }, signal);
    for (const [i, question] of questions.entries()) {
      const { rewards } = (await reward(requestOf(question, groups[i]!), signal)) as Rewarded;
      right += rewards[0]!;
    }
  }
  return right / HELD_OUT;
}

function requestOf(question: Question, samples: readonly Sample[]) {
  const answers = samples.map(({ text }) => extractAnswer(text));
  const group = { id: question.id, sequence: 0, question, policyVersion: 0, samples };
  return {
    group,
    answers,
    classes: answers.map((answer) => (answer === null ? -1 : 0)),
    winner: 0,
    share: 1,
    votes: answers.map(() => 1),
  };
}

/** A context whose unused parts throw: these jigsaws keep no levels, class no answers and have no labels. */
function heldOutContext<Name extends PortName>(): PortContext<undefined, Name> {
  const { dataset } = openFigures(HELDOUT_POOL);
  const none = (): never => {
    throw new Error('a jigsaw does not need it');
  };
  return {
    options: undefined,
    signal: new AbortController().signal,
    seed: 0,
    folder: '',
    base: '',
    questions: dataset,
    tokenizer: { encode: none, decode: none },
    prompt: none,
    weights: none,
    picture: loadPicture,
    classify: none,
    label: none,
    tell: none,
    stop: none,
    get next(): never {
      return none();
    },
  };
}
