import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadArchitecture } from '../../src/compute/models/folder.ts';
import { loadParams } from '../../src/compute/models/weights.ts';
import { accuracyOf } from '../../src/pretrain/accuracy.ts';
import { pretrain, type PretrainOptions, type PretrainProgress } from '../../src/pretrain/pretrain.ts';
import { learningRateAt, shortened, type Stage } from '../../src/pretrain/recipe.ts';
import { FIGURES } from '../../src/pretrain/recipes/figures.ts';

const STAGES: readonly Stage[] = [
  { name: 'a', steps: 4, learningRate: 2e-3, warmupSteps: 2, floor: 0.1, mixture: { direct: 0, ask: 0.1 } },
  { name: 'b', steps: 2, learningRate: 1e-3, warmupSteps: 1, floor: 0.1, mixture: { direct: 0.5, ask: 0.1 } },
];
const EVALUATION = { everySteps: 100, quickQuestions: 4, questions: 6, samples: 2 };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'quorum-pretrain-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(name: string, extra: Partial<PretrainOptions> = {}, onStep: (step: number) => void = () => {}) {
  const losses: number[] = [];
  const options = {
    folder: join(folder, name),
    seed: 5,
    threads: 2,
    stages: STAGES,
    batch: 8,
    evaluation: EVALUATION,
    ...extra,
  };
  const accuracy = await pretrain(options, (progress: PretrainProgress) => {
    if (progress.type !== 'step') return;
    losses.push(progress.loss);
    onStep(progress.step);
  });
  return { accuracy, losses, folder: options.folder };
}

describe('pretrain', { timeout: 180_000 }, () => {
  let whole: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => void (whole = await run('whole')), 180_000);

  it('learns, and leaves a Hugging Face folder with a card and no training state', async () => {
    const { accuracy, losses, folder: made } = whole;
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.2);
    expect(accuracy).toMatchObject({ n: 6, k: 2 });
    expect((await readdir(made)).toSorted()).toEqual([
      'README.md',
      'chat_template.json',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    await loadParams(made, await loadArchitecture(made));
    expect(await readFile(join(made, 'README.md'), 'utf8')).toContain('4 steps, peak learning rate 0.002');
  });

  it.runIf(process.platform === 'linux')('refuses at once a folder that cannot be made', async () => {
    const refused = pretrain({ folder: '/proc/quorum', seed: 0, threads: 1 }, () => {});
    await expect(refused).rejects.toThrow(
      /^\/proc\/quorum cannot be made \(ENOENT.*: name a folder that can be written$/,
    );
  });

  it('resumes a stopped run and reaches exactly the weights of an uninterrupted one', async () => {
    const stop = new AbortController();
    const first = await run('parts', { signal: stop.signal }, (step) => step === 3 && stop.abort());
    expect(first.accuracy).toBeNull();
    await expect(run('parts', { seed: 6 })).rejects.toThrow(/seed 5, not 6/);
    const second = await run('parts');
    expect([...first.losses, ...second.losses]).toEqual(whole.losses);
    const bytes = (of: string) => readFile(join(of, 'model.safetensors'));
    expect((await bytes(second.folder)).equals(await bytes(whole.folder))).toBe(true);
  });
});

describe('the recipe', () => {
  it('warms up to the peak and falls to the floor', () => {
    const stage = { ...STAGES[0]!, steps: 1000, warmupSteps: 10, learningRate: 1, floor: 0.05 };
    const rates = Array.from({ length: 1000 }, (_, step) => learningRateAt(stage, step));
    expect(rates[0]).toBeCloseTo(0.1);
    expect(rates[9]).toBeCloseTo(1);
    expect(rates[999]).toBeCloseTo(0.05, 3);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1);
    expect(rates.slice(10)).toEqual(rates.slice(10).toSorted((a, b) => b - a));
  });

  it('keeps its proportions in fewer steps', () => {
    for (const steps of [1, 2, 7, 340, 3400, 5000]) {
      const stages = shortened(FIGURES.stages, steps);
      expect(stages.reduce((sum, stage) => sum + stage.steps, 0)).toBe(steps);
      expect(Math.abs(stages[0]!.steps - (steps * 3000) / 3400)).toBeLessThanOrEqual(0.5);
      expect(stages.every(({ steps: own, warmupSteps }) => warmupSteps <= own)).toBe(true);
    }
    expect(shortened(FIGURES.stages, 3400)).toEqual(FIGURES.stages);
  });

  it('mixes direct answers and requests for questions in the shares asked for', () => {
    const share = (mixture: { direct: number; ask: number }, test: (response: string) => boolean) => {
      const examples = Array.from({ length: 2000 }, (_, i) => FIGURES.example(i, 1, mixture));
      return examples.filter(({ response }) => test(response)).length / examples.length;
    };
    const isDirect = (response: string) => response.startsWith('\\boxed');
    const isQuestion = (response: string) => response.endsWith('?');
    expect(share({ direct: 0, ask: 0.1 }, isDirect)).toBe(0);
    expect(share({ direct: 0.5, ask: 0 }, isDirect)).toBeCloseTo(0.5, 1);
    expect(share({ direct: 0, ask: 0.1 }, isQuestion)).toBeCloseTo(0.1, 1);
  });
});

describe('accuracyOf', () => {
  it('counts greedy, pass@1, majority with ties to the first seen, and pass@k', () => {
    const of = (label: string, ...answers: (string | null)[]) => ({
      kind: label === '1' ? 'one' : 'two',
      label,
      answers,
    });
    const sampled = [
      of('1', '1', '2', null, null),
      of('2', '3', '3', '2', '2'),
      of('2', null, null, null, null),
      of('2', '2', '2', '3', '2'),
    ];
    const greedy = [of('1', '1'), of('2', '2'), of('2', null), of('2', '3')];
    expect(accuracyOf(greedy, sampled)).toEqual({
      n: 4,
      k: 4,
      greedy: 0.5,
      pass1: (0.25 + 0.5 + 0 + 0.75) / 4,
      majK: 0.5,
      passK: 0.75,
      byKind: { one: { n: 1, greedy: 1 }, two: { n: 3, greedy: 1 / 3 } },
    });
  });
});
