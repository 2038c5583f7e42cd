/** A learner of a tiny model, whose passes helpers in this process compute in part. */
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { readSafetensors } from '../../src/compute/hf/safetensors.ts';
import { configSchema, type Config, type ConfigInput } from '../../src/config/schema.ts';
import { openFigures, TRAIN_POOL } from '../../src/data/figures/dataset.ts';
import type { Gradients, Helpers } from '../../src/policy/helpers.ts';
import type { LocalLearner } from '../../src/policy/local/learner.ts';
import type { Batch, StepMetrics } from '../../src/protocol/messages.ts';
import type { PassGradient } from '../../src/protocol/passes.ts';
import { batchOf, judged } from './batches.ts';
import { closing, openLocal } from './local-policy.ts';
import { temporaryFolder, writeTinyFolder, type TemporaryFolder } from './tiny-folder.ts';

export let folder: TemporaryFolder;
export let batches: readonly Batch[];

export const configOf = (threads: number, learner: ConfigInput['learner'] = {}): Config =>
  configSchema.parse({
    model: join(folder.path, 'base'),
    workers: { learner: Array.from({ length: threads }, () => 'cpu') },
    sampling: { samples: 4, temperature: 1 },
    loop: { batchGroups: 6 },
    learner: {
      learningRate: 1e-3,
      warmupSteps: 0,
      schedule: { type: 'constant' },
      minibatches: 2,
      passTokens: 100,
      ...learner,
    },
    timeouts: { openSeconds: 120, sampleSeconds: 120, learnSeconds: 120, saveSeconds: 60 },
  });

/** Makes the model and two batches, the second of which is stale, before the tests of the calling file. */
export function makeBatches(): void {
  beforeAll(make, 120_000);
  afterAll(() => folder[Symbol.asyncDispose]());
}

async function make(): Promise<void> {
  folder = await temporaryFolder();
  await writeTinyFolder(join(folder.path, 'base'), 1);
  const { dataset } = openFigures(TRAIN_POOL);
  const questions = Array.from({ length: 6 }, (_, i) => dataset.question(i * 7));
  const params = { samples: 4, temperature: 1, topP: 1, topK: 0, maxNewTokens: 20 };
  await using policy = await openLocal(configOf(1));
  const made: Batch[] = [];
  for (const parent of [0, 1]) {
    const { groups } = await policy.sampler.sample({
      questions,
      params,
      seed: 5 + parent,
      version: 0,
      reference: true,
    });
    const advantage = (_: unknown, i: number): number => (i % 2 === 0 ? 1 : -1);
    const groupsOf = groups.map((samples, q) => judged(questions[q]!, samples, 0, q, advantage));
    made.push(batchOf(parent, parent, groupsOf));
  }
  batches = made;
}

export function negated({ gradients, ...rest }: PassGradient): PassGradient {
  const floats = new Float32Array(new SharedArrayBuffer(gradients.byteLength));
  floats.set(new Float32Array(gradients).map((value) => -value));
  return { ...rest, gradients: floats.buffer };
}

/** What happens to a pass: its index counts over all that the learner asks for. */
export type Fate = 'own' | 'given' | 'lost' | 'wrong';

/** Helpers in this process that decide by `fateOf` what becomes of each pass. */
export function helpersOf(gradients: Gradients, fateOf: (pass: number) => Fate) {
  const seen: Record<Fate, number> = { own: 0, given: 0, lost: 0, wrong: 0 };
  const rejected: string[] = [];
  let asked = 0;
  const helpers: Helpers = {
    areReady: () => true,
    offer: ({ weights, requests }) => ({
      async take(at) {
        const request = requests[at];
        const fate = request ? fateOf(asked++) : 'own';
        seen[fate] += 1;
        if (fate === 'own' || fate === 'lost') return undefined;
        const gradient = await gradients.gradient(weights, request!);
        const due = { isDue: true, tolerance: 0 };
        return fate === 'given' ? { ...gradient, ...due } : { ...negated(gradient), ...due };
      },
      reject: (_, why) => void rejected.push(why),
      close() {},
    }),
  };
  return { helpers, seen, rejected };
}

let saves = 0;
async function filesOf(learner: LocalLearner, names: readonly string[]) {
  const to = join(folder.path, `saved-${saves++}`);
  await learner.save(learner.current, to);
  return Promise.all(names.map((name) => readSafetensors(join(to, `${name}.safetensors`))));
}

export async function learnt(config: Config, helpers?: Helpers) {
  const { learner } = closing(config);
  await using _ = learner;
  await learner.open();
  if (helpers) learner.shareWith(helpers);
  // Means over tokens of several passes are added up in another order.
  const metrics: Omit<StepMetrics, 'seconds' | 'samplerGap'>[] = [];
  for (const batch of batches) {
    const { seconds: _seconds, samplerGap: _gap, ...rest } = (await learner.step(batch)).metrics;
    metrics.push(rest);
  }
  const model = config.learner.adapter.type === 'none' ? 'model' : 'adapter_model';
  return { metrics, files: await filesOf(learner, [model, 'optimizer']) };
}
