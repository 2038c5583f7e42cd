/**
 * The end-to-end measurement of bench/gpu.ts in a process of its own: widens the bundled model to a large shape, trains
 * all its weights on figures for a while, and lets an adapter improve it without labels. Each line that it prints is JSON
 * of values that are final, so what ends it early loses nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from '../src/compute/engine/engine.ts';
import { parseConfig } from '../src/config/load.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import type { Sizes } from '../src/pretrain/mini.ts';
import { pretrain } from '../src/pretrain/pretrain.ts';
import { PRETRAINED_SHAPES, type PretrainedSize } from '../src/pretrain/random/shapes.ts';
import type { Report } from '../src/protocol/status.ts';
import type { Told } from './gpu-plan.ts';
import type { Row } from './measure.ts';

export interface GpuImprove {
  readonly kind: 'improve';
  /** A name of `PRETRAINED_SHAPES`, or `test`: small enough for a test. */
  readonly like: string;
  readonly engine: EngineName;
  /** Most seconds of each part, and most steps. */
  readonly pretrain: { readonly seconds: number; readonly steps: number };
  readonly improve: { readonly seconds: number; readonly steps: number };
  /** Held-out questions of an accuracy. */
  readonly questions: number;
}

const TEST: Sizes = {
  hiddenSize: 256,
  intermediateSize: 448,
  layers: 5,
  heads: 4,
  kvHeads: 2,
  mropeSection: [8, 12, 12],
  vision: { depth: 2, hiddenSize: 128, intermediateSize: 176, heads: 4, fullAttentionBlocks: [0] },
};
/** Steps between accuracies. */
const EVERY_STEPS = 5;
/** Of an adapter of rank 16, as in bench/adapters.ts. */
const RATE = 5e-4;

const began = performance.now();
const seconds = (): Pick<Row, 'value' | 'unit'> => ({
  value: (performance.now() - began) / 1_000,
  unit: 's since it began',
});

/** @param name what the values are of */
function tell(name: string, ...values: readonly Pick<Row, 'value' | 'unit'>[]): void {
  console.log(JSON.stringify({ name, values } satisfies Told));
}

function sizesOf(like: string): Sizes {
  return like === 'test' ? TEST : PRETRAINED_SHAPES[like as PretrainedSize];
}

/** Writes the folder of a model that answers as the bundled one does, or better. */
async function make({ like: name, engine, pretrain: { seconds: most, steps } }: GpuImprove, folder: string) {
  const [like, threads] = [{ name, sizes: sizesOf(name) }, availableParallelism()];
  const evaluation = { everySteps: 1_000_000, quickQuestions: 1, questions: 1, samples: 1 };
  const [losses, ends]: [number[], number[]] = [[], []];
  const signal = AbortSignal.timeout(1_000 * most);
  await pretrain({ folder, seed: 1, like, engine, threads, steps, evaluation, signal }, (progress) => {
    if (progress.type !== 'step') return;
    losses.push(progress.loss);
    ends.push(progress.seconds);
  });
  const last = losses.at(-1) ?? Number.NaN;
  tell(
    'trained with labels',
    { value: losses.length, unit: 'steps' },
    { value: last, unit: 'nats a token' },
    seconds(),
  );
  tell('a step with labels', { value: ends.toSorted((a, b) => a - b)[ends.length >> 1] ?? Number.NaN, unit: 's' });
}

/** Steps of an adapter whose only signal is the vote, until their number or the time is reached. */
async function improve({ engine, improve: most, questions }: GpuImprove, model: string, run: string): Promise<Report> {
  const daemon = await startDaemon(
    parseConfig({
      model,
      runFolder: run,
      seed: 1,
      loop: { steps: most.steps },
      learner: { learningRate: RATE, adapter: { type: 'lora', rank: 16 } },
      evaluation: { everySteps: EVERY_STEPS, questions, fullQuestions: questions, fullEverySteps: 1_000_000, k: 2 },
      guardian: { mode: 'off' },
      workers: { engine },
      dashboard: { port: null },
    }),
  );
  let told = 0;
  const watching = daemon.status$().subscribe(({ accuracy: { history } }) => {
    for (const { version, greedy } of history.slice(told))
      tell(`version ${version}`, { value: 100 * greedy, unit: '% right' }, seconds());
    told = Math.max(told, history.length);
  });
  const end = setTimeout(() => void daemon.stop(), 1_000 * most.seconds);
  const report = await daemon.closed();
  clearTimeout(end);
  watching.unsubscribe();
  if (report.end === 'failed') throw new Error(report.error ?? report.end);
  return report;
}

const work = JSON.parse(process.argv[2]!) as GpuImprove;
const folder = mkdtempSync(join(tmpdir(), 'quorum-bench-'));
try {
  const model = join(folder, 'model');
  await make(work, model);
  const { history, steps, wallSeconds } = await improve(work, model, join(folder, 'run'));
  const [base, after] = [history[0], history.at(-1)];
  tell(
    'improved without labels',
    { value: 100 * (base?.greedy ?? Number.NaN), unit: '% right before' },
    { value: 100 * (after?.greedy ?? Number.NaN), unit: `% right at version ${after?.version ?? 0}` },
    { value: steps, unit: 'steps' },
    { value: wallSeconds, unit: 's of the loop' },
  );
  tell('whole', { value: (1_024 * process.resourceUsage().maxRSS) / 1e9, unit: 'GB of host memory' }, seconds());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
