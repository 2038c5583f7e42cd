/** Several learner threads that take a step together. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { configSchema, type Config, type ConfigInput } from '../../../src/config/schema.ts';
import { devicesOf, deviceWords } from '../../../src/policy/local/devices.ts';
import type { LocalLearner } from '../../../src/policy/local/learner.ts';
import type { TensorMap } from '../../../src/protocol/tensor.ts';
import { closing } from '../../support/local-policy.ts';
import { batches, configOf as passesOf, folder, makeBatches } from '../../support/shared-passes.ts';
import { ThreadFaults } from '../../support/thread-faults.ts';

/** Whole passes at a mild rate, unless a test says otherwise. */
const configOf = (threads: number, learner: ConfigInput['learner'] = {}): Config =>
  passesOf(threads, { learningRate: 1e-4, passTokens: undefined, ...learner });

makeBatches();

let saves = 0;
async function saved(learner: LocalLearner): Promise<Record<'weights' | 'moments', TensorMap>> {
  const to = join(folder.path, `saved-${saves++}`);
  await learner.save(learner.current, to);
  const read = (name: string) => readSafetensors(join(to, `${name}.safetensors`));
  return { weights: await read('model'), moments: await read('optimizer') };
}

/** The learner alone. */
async function opened(config: Config): Promise<LocalLearner> {
  const { learner } = closing(config);
  await learner.open();
  return learner;
}

async function learnt(config: Config) {
  await using learner = await opened(config);
  const metrics = [];
  for (const batch of batches) metrics.push((await learner.step(batch)).metrics);
  return { metrics, ...(await saved(learner)) };
}

/** What an adapter and its moments are after one step. */
async function tensorsAfter(config: Config): Promise<TensorMap[]> {
  await using learner = await opened(config);
  await learner.step(batches[0]!);
  const to = join(folder.path, `saved-${saves++}`);
  await learner.save(1, to);
  return Promise.all(['adapter_model', 'optimizer'].map((name) => readSafetensors(join(to, `${name}.safetensors`))));
}

function difference(a: TensorMap, b: TensorMap): number {
  return Math.max(
    ...Object.keys(a).flatMap((name) => Array.from(a[name]!.data, (value, i) => Math.abs(value - b[name]!.data[i]!))),
  );
}

describe('several learner threads', { timeout: 240_000 }, () => {
  const own = {
    correction: { type: 'truncated', groups: 'all' },
    passTokens: 200,
  } as const satisfies ConfigInput['learner'];
  let [one, two]: readonly Awaited<ReturnType<typeof learnt>>[] = [];

  beforeAll(async () => {
    [one, two] = [await learnt(configOf(1, own)), await learnt(configOf(2, own))];
  }, 240_000);

  it('take the step that one takes, within 1e-6', async () => {
    for (const several of [two!, await learnt(configOf(3, own))]) {
      expect(difference(several.moments, one!.moments)).toBeLessThan(1e-6);
      expect(difference(several.weights, one!.weights)).toBeLessThan(1e-6);
      several.metrics.forEach((step, i) => {
        for (const [name, value] of Object.entries(one!.metrics[i]!))
          if (name !== 'seconds') expect([name, step[name as 'loss']]).toEqual([name, expect.closeTo(value, 4)]);
      });
    }
  });

  it('share the rows of pictures in the run folder, and take the step that they take without', async () => {
    const runFolder = join(folder.path, 'run');
    mkdirSync(runFolder);
    const adapter = { ...own, adapter: { type: 'lora', rank: 2 } } as const;
    const [apart, together] = [configOf(2, adapter), { ...configOf(2, adapter), runFolder }];
    expect(await tensorsAfter(together)).toEqual(await tensorsAfter(apart));
    const pictures = new Set(batches[0]!.groups.map(({ group }) => JSON.stringify(group.question.pictures)));
    expect(readdirSync(join(runFolder, 'pictures'))).toHaveLength(pictures.size);
  });

  it('lose a step with a thread that fails, and repeat it bit for bit', async () => {
    using faults = new ThreadFaults();
    await using learner = await opened(configOf(2, own));
    await learner.step(batches[0]!);
    faults.order('learn', 'exit');
    await expect(learner.step(batches[1]!)).rejects.toMatchObject({
      name: 'WorkerError',
      message: expect.stringContaining('the learner thread failed'),
    });
    expect(learner.current).toBe(1);
    await learner.step(batches[1]!);
    const { weights, moments } = await saved(learner);
    expect([difference(weights, two!.weights), difference(moments, two!.moments)]).toEqual([0, 0]);
  });

  it('make smaller passes together where one of them finds no memory', async () => {
    using faults = new ThreadFaults();
    await using learner = await opened(configOf(2, own));
    const notes: string[] = [];
    learner.onNote((text) => notes.push(text));
    faults.order('learn', 'full');
    await learner.step(batches[0]!);
    expect(notes).toHaveLength(2); // one of each thread
    await learner.step(batches[1]!);
    expect(difference((await saved(learner)).moments, one!.moments)).toBeLessThan(1e-6);
  });
});

describe('devicesOf', () => {
  const of = (workers: ConfigInput['workers'], gpus: number) =>
    devicesOf(configSchema.parse({ workers }).workers, gpus);

  it('shares the processor, or the only GPU, between both roles', () => {
    expect(of({ rolloutWorkers: 2 }, 4)).toEqual({
      rollout: ['cpu', 'cpu'],
      learner: ['cpu'],
    });
    expect(of({ engine: 'cuda' }, 1)).toEqual({ rollout: ['cuda'], learner: ['cuda'] });
    expect(deviceWords(of({ engine: 'cuda' }, 1))).toBe(
      'sampling with 1 thread on cuda:0, learning with 1 thread on cuda:0: both roles share a device',
    );
  });

  it('gives the learner the last of several GPUs and the samplers the others', () => {
    const three = of({ engine: 'cuda' }, 3);
    expect(three).toEqual({ rollout: ['cuda:0', 'cuda:1'], learner: ['cuda:2'] });
    expect(of({ engine: 'cuda', rolloutWorkers: 3 }, 3).rollout).toEqual(['cuda:0', 'cuda:1', 'cuda:0']);
    expect(deviceWords(three)).toBe(
      'sampling with 2 threads on cuda:0, cuda:1, learning with 1 thread on cuda:2: each role has its own devices',
    );
  });

  it('keeps to the devices that are named, and chooses the other role from the rest', () => {
    expect(of({ engine: 'cuda', learner: ['cuda:0', 'cuda:1'] }, 4)).toEqual({
      rollout: ['cuda:2', 'cuda:3'],
      learner: ['cuda:0', 'cuda:1'],
    });
    expect(of({ engine: 'cuda', rollout: ['cuda:3', 'cuda:2'] }, 4)).toEqual({
      rollout: ['cuda:3', 'cuda:2'],
      learner: ['cuda:1'],
    });
    expect(of({ rollout: ['cpu', 'cuda'] }, 0)).toEqual({
      rollout: ['cpu', 'cuda:0'],
      learner: ['cpu'],
    });
    for (const name of ['gpu', 'cuda:', 'cuda:x', 'cpu:1', ''])
      expect(configSchema.safeParse({ workers: { learner: [name] } }).success).toBe(false);
    expect(configSchema.safeParse({ workers: { learner: [] } }).success).toBe(false);
  });
});
