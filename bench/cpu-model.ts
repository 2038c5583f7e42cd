/**
 * Time and memory of a real model on the CPU: opened, asked, taught one LoRA step, evaluated. With `quorum model random
 * --like 0.5b --out DIR` it needs no checkpoint. Linux only, where /proc says what memory is this process's own.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { configSchema } from '../src/config/schema.ts';
import { localPolicy, openForSampling } from '../src/policy/local/open.ts';
import type { JudgedGroup, Question, Sample } from '../src/protocol/messages.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    threads: { type: 'string', default: '2' },
    samples: { type: 'string', default: '4' },
    tokens: { type: 'string', default: '16' },
    rank: { type: 'string', default: '16' },
    /** Stops when the model is open. */
    open: { type: 'boolean', default: false },
  },
});
const [samples, maxNewTokens, threads] = [Number(values.samples), Number(values.tokens), Number(values.threads)];
const LOOK_MILLISECONDS = 200;

const config = configSchema.parse({
  model: values.model,
  sampling: { samples, temperature: 1, maxNewTokens },
  workers: { rolloutWorkers: 1, rolloutThreads: threads, learnerThreads: threads },
  learner: { adapter: { type: 'lora', rank: Number(values.rank) }, warmupSteps: 0 },
});
const question: Question = { id: 'q', text: 'How many discs are there?', pictures: [], origin: 'dataset' };
const params = { samples, temperature: 1, topP: 1, topK: 0, maxNewTokens };

/** GB: `own` is memory of this process alone, `with` adds its share of the files that it has mapped. */
const peak = { own: 0, with: 0 };
function look(): void {
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const of = (key: string): number => Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1e6;
  peak.own = Math.max(peak.own, of('Anonymous'));
  peak.with = Math.max(peak.with, of('Pss'));
}

/** Runs `work` and prints how long it took and the highest memory so far. */
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  look();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${what}: ${seconds} s; peak ${peak.own.toFixed(2)} GB, ${peak.with.toFixed(2)} with mapped files`);
  return result;
}

/** Rewards every second sample: what is measured does not depend on answers. */
function judged(of: readonly Sample[]): JudgedGroup {
  const advantages = of.map((_, i) => (i % 2 === 0 ? 1 : -1));
  const verdict = { groupId: 'g', answers: of.map(() => null), classes: of.map(() => -1), winner: -1, share: 0 };
  const group = { id: 'g', sequence: 0, question, policyVersion: 0, samples: of };
  return { group, verdict: { ...verdict, rewards: advantages, advantages, kept: true } };
}

async function ask(): Promise<void> {
  const sampler = await timed('open for asking', () => openForSampling(config));
  const request = { questions: [question], params, seed: 0, version: 0 };
  if (!values.open) await timed(`${samples} answers of ${maxNewTokens} tokens`, () => sampler.sample(request));
  await sampler[Symbol.asyncDispose]();
}

async function teach(): Promise<void> {
  const { learner, sampler } = localPolicy(config);
  await timed('open learner and sampler', () => Promise.all([learner.open(), sampler.open()]));
  if (!values.open) {
    const request = { questions: [question], params, seed: 0, version: 0, reference: true };
    const { groups } = await timed('sample with reference', () => sampler.sample(request));
    const batch = { id: 0, parent: 0, groups: groups.map(judged) };
    await timed(`step of ${samples} x ${maxNewTokens} tokens`, () => learner.step(batch));
    const greedy = { ...params, samples: 1, temperature: 0 };
    await timed('evaluate a question', () =>
      sampler.sample({ ...request, params: greedy, version: 1, reference: false }),
    );
  }
  await Promise.all([learner[Symbol.asyncDispose](), sampler[Symbol.asyncDispose]()]);
}

const looks = setInterval(look, LOOK_MILLISECONDS);
await ask();
await teach();
clearInterval(looks);
