/**
 * One measurement of bench/gpu.ts in a process of its own, so that its memory is its own and a failure ends nothing
 * else. Works through the daemon's own learner, sampler and loop. Prints one line of JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { loadArchitecture } from '../src/compute/models/folder.ts';
import { parseConfig } from '../src/config/load.ts';
import type { Config, ConfigInput } from '../src/config/schema.ts';
import { Random } from '../src/data/rng.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { median } from '../src/lib/median.ts';
import { localPolicy, openForSampling } from '../src/policy/local/open.ts';
import type { JudgedGroup, Question, Sample } from '../src/protocol/messages.ts';
import type { Told } from './gpu-plan.ts';

/** What is measured; `questions`, each with a picture of 448 x 448, have `samples` responses of `tokens` tokens. */
export interface GpuWork {
  /** `agree` compares 16 bits with float32. */
  readonly kind: 'learn' | 'rollout' | 'loop' | 'agree';
  readonly model: string;
  readonly engine: Config['workers']['engine'];
  /** Default `auto`. */
  readonly compute?: Config['workers']['compute'];
  readonly questions: number;
  readonly samples: number;
  readonly tokens: number;
  /** Whether the adapter trains the vision tower too; default: false. */
  readonly vision?: boolean;
  /** Counted rounds, after one uncounted; of a loop, learner steps. */
  readonly rounds: number;
}

export interface GpuMeasured extends Told {
  /** Of a learner step, on all cores; it depends less on what else runs than its time does. */
  readonly processorSeconds?: number;
}

const SIDE = 448;
/** Of the prompt's text, which with the picture's 256 tokens makes about 300. */
const WORDS = 'Find the length of the side that is marked x.';

function configOf(
  { model, engine, compute = 'auto', questions, samples, tokens, vision }: GpuWork,
  folder: string,
): Config {
  const input: ConfigInput = {
    model,
    runFolder: join(folder, 'run'),
    promptTemplate: '{question}',
    sampling: { samples, maxNewTokens: tokens, temperature: 1 },
    loop: { batchGroups: questions, jobQuestions: questions },
    learner: {
      adapter: { type: 'lora', rank: 16, alpha: 32, ...(vision && { vision }) },
      minibatches: 1,
      learningRate: 1e-6,
      klCoefficient: 0.01,
    },
    workers: { engine, compute },
    dashboard: { port: null },
  };
  return parseConfig(input);
}

async function questionsOf({ questions }: GpuWork, folder: string): Promise<Question[]> {
  const random = new Random('bench', 'pictures');
  return Promise.all(
    Array.from({ length: questions }, async (_, i): Promise<Question> => {
      const data = Uint8Array.from({ length: 3 * SIDE * SIDE }, () => random.uint32());
      const path = join(folder, `${i}.png`);
      await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } })
        .png()
        .toFile(path);
      return { id: `q${i}`, text: WORDS, pictures: [{ type: 'file', path }], origin: 'dataset' };
    }),
  );
}

/** Milliseconds of a learner step: log-probabilities, gradient, AdamW, the new version. */
async function learn(work: GpuWork, folder: string): Promise<GpuMeasured> {
  const { learner, sampler } = localPolicy(configOf(work, folder));
  try {
    await learner.open();
    const groups = await judged(work, await questionsOf(work, folder));
    const [times, used]: [number[], number[]] = [[], []];
    for (let round = 0; round <= work.rounds; round++) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      await learner.step({ id: round, parent: round, groups });
      const { user, system } = process.cpuUsage(before);
      if (round > 0) times.push(performance.now() - started);
      if (round > 0) used.push((user + system) / 1e6);
    }
    return { values: [{ value: median(times), unit: 'ms' }], processorSeconds: median(used) };
  } finally {
    await learner[Symbol.asyncDispose]();
    await sampler[Symbol.asyncDispose]();
  }
}

/** Groups of arbitrary tokens, which do not affect the time, with the log-probabilities of a model that knows nothing. */
async function judged(
  { model, samples, tokens }: GpuWork,
  questions: readonly Question[],
): Promise<readonly JudgedGroup[]> {
  const { vocabSize } = (await loadArchitecture(model)).dimensions;
  const unknowing = Array.from({ length: tokens }, () => -Math.log(vocabSize));
  const texts = Math.min(256, vocabSize) - 1;
  return questions.map((question, sequence) => {
    const random = new Random('bench', 'responses', sequence);
    const sample = (): Sample => ({
      tokens: Array.from({ length: tokens }, () => random.int(0, texts)),
      logprobs: unknowing,
      refLogprobs: unknowing,
      text: '',
      finish: 'length',
    });
    const list = <T>(of: (i: number) => T): T[] => Array.from({ length: samples }, (_, i) => of(i));
    const id = `g${sequence}`;
    return {
      group: { id, sequence, question, policyVersion: 0, samples: list(sample) },
      verdict: {
        groupId: id,
        answers: list((i) => String(i % 2)),
        classes: list((i) => i % 2),
        winner: 0,
        share: 0.5,
        rewards: list((i) => 1 - (i % 2)),
        advantages: list((i) => 1 - 2 * (i % 2)),
        kept: true,
      },
    };
  });
}

/** Milliseconds of a decoding step and tokens a second without the prompts, by responses of two lengths. */
async function rollout(work: GpuWork, folder: string): Promise<GpuMeasured> {
  const config = configOf(work, folder);
  const sampler = await openForSampling(config);
  try {
    const questions = await questionsOf(work, folder);
    const short = Math.max(1, work.tokens >> 3);
    const measure = async (maxNewTokens: number): Promise<number> => {
      const times: number[] = [];
      for (let seed = 0; seed <= work.rounds; seed++) {
        const { seconds } = await sampler.sample({
          questions,
          params: { ...config.sampling, maxNewTokens },
          seed,
          version: 0,
        });
        if (seed > 0) times.push(1_000 * seconds);
      }
      return median(times);
    };
    const [whole, begun] = [await measure(work.tokens), await measure(short)];
    const step = (whole - begun) / (work.tokens - short);
    const rate = (1_000 * work.questions * work.samples) / step;
    return {
      values: [
        { value: step, unit: 'ms/step' },
        { value: rate, unit: 'tokens/s' },
      ],
    };
  } finally {
    await sampler[Symbol.asyncDispose]();
  }
}

/**
 * Responses in 16 bits and in float32 by the same uniform numbers: the share of equal tokens, and how far the
 * log-probabilities lie apart up to the first other token of a response, where both still see the same.
 */
async function agree(work: GpuWork, folder: string): Promise<GpuMeasured> {
  const questions = await questionsOf(work, folder);
  const sampled = async (compute: 'f32' | 'bf16' | 'f16'): Promise<readonly Sample[]> => {
    const config = configOf({ ...work, compute }, folder);
    const sampler = await openForSampling(config);
    try {
      const { groups } = await sampler.sample({ questions, params: config.sampling, seed: 1, version: 0 });
      return groups.flat();
    } finally {
      await sampler[Symbol.asyncDispose]();
    }
  };
  const compute = work.compute === 'f16' ? 'f16' : 'bf16';
  const [wide, narrow] = [await sampled('f32'), await sampled(compute)];
  const pairs = wide.map(({ tokens, logprobs }, i) => {
    const other = narrow[i]!;
    const differs = tokens.findIndex((token, t) => token !== other.tokens[t]);
    const same = differs < 0 ? Math.min(tokens.length, other.tokens.length) : differs;
    const apart = logprobs.slice(0, same).map((value, t) => Math.abs(value - other.logprobs[t]!));
    const equal = tokens.filter((token, t) => token === other.tokens[t]).length;
    return { length: tokens.length, equal, apart };
  });
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const apart = pairs.flatMap((pair) => pair.apart);
  const values = [
    {
      value: (100 * sum(pairs.map(({ equal }) => equal))) / sum(pairs.map(({ length }) => length)),
      unit: `% of tokens as in f32 (${compute})`,
    },
    { value: sum(apart) / apart.length, unit: 'nats apart, mean' },
    { value: Math.max(...apart), unit: 'nats apart, most' },
  ];
  return { values };
}

/** Tokens a second of the loop's sampler, as the bundled model learns by the defaults. */
async function loop({ model, engine, rounds }: GpuWork, folder: string): Promise<GpuMeasured> {
  const daemon = await startDaemon(
    parseConfig({
      model,
      runFolder: join(folder, 'run'),
      loop: { steps: rounds },
      evaluation: { questions: 10, fullQuestions: 10, everySteps: rounds + 1 },
      workers: { engine },
      dashboard: { port: null },
    }),
  );
  const { end, error, throughput } = await daemon.closed();
  if (end === 'failed') throw new Error(error ?? end);
  return { values: [{ value: throughput.rolloutTokensPerSecond ?? Number.NaN, unit: 'tokens/s' }] };
}

const work = JSON.parse(process.argv[2]!) as GpuWork;
const folder = mkdtempSync(join(tmpdir(), 'quorum-bench-'));
try {
  const found = await { learn, rollout, loop, agree }[work.kind](work, folder);
  const host = { value: (1_024 * process.resourceUsage().maxRSS) / 1e9, unit: 'GB of host memory' };
  console.log(JSON.stringify({ ...found, values: [...found.values, host] } satisfies GpuMeasured));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
