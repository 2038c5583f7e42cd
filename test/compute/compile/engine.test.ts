import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { Engine, ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { groupQueryAttention } from '../../../src/compute/compile/operators.ts';
import { UnsupportedError } from '../../../src/protocol/errors.ts';
import { f32, i32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { expectClose } from './support.ts';
import { spread } from './support-values.ts';

const engines: Engine[] = await Promise.all(
  (['cpu', 'reference'] as const).map((name) => createEngine(name, { threads: 1, cachePrograms: 2 })),
);
const cpu = engines[0]!;
afterAll(() => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]())));

const scale = (name: string, length: number, extra: Partial<ProgramSpec> = {}): ProgramSpec => ({
  name,
  inputs: { x: { dtype: 'float32', shape: [length] } },
  build: ({ x }) => ({ y: tf.mul(x!, 2) }),
  ...extra,
});

/** One decoding step over a cache [B, KV, T, hd] that is updated in place. */
const step: ProgramSpec = {
  name: 'decode',
  inputs: {
    q: { dtype: 'float32', shape: [3, 1, 32] },
    k: { dtype: 'float32', shape: [3, 1, 16] },
    v: { dtype: 'float32', shape: [3, 1, 16] },
    pastKey: { dtype: 'float32', shape: [3, 2, 6, 8] },
    pastValue: { dtype: 'float32', shape: [3, 2, 6, 8] },
    seqlensK: { dtype: 'int32', shape: [3] },
    totalLength: { dtype: 'int32', shape: [] },
  },
  build: (inputs) => groupQueryAttention(inputs as never, { numHeads: 4, kvHeads: 2, scale: 0.35 }),
  inPlace: { presentKey: 'pastKey', presentValue: 'pastValue' },
};

const stepFeeds = (): Record<string, HostTensor> => ({
  q: spread([3, 1, 32], 1),
  k: spread([3, 1, 16], 2),
  v: spread([3, 1, 16], 3),
  pastKey: spread([3, 2, 6, 8], 4),
  pastValue: spread([3, 2, 6, 8], 5),
  seqlensK: i32([3], [0, 3, 5]),
  totalLength: i32([], [6]),
});

describe.each(engines.map((engine) => [engine.name, engine] as const))('engine %s', (_, engine) => {
  test('updates a cache in place and leaves all other slots as they were', async () => {
    const program = await engine.compile(step);
    const feeds = stepFeeds();
    const { out, presentKey, presentValue } = await program.run(feeds);
    expect(presentKey).toBe(feeds['pastKey']);
    expect(presentValue).toBe(feeds['pastValue']);
    const before = stepFeeds();
    for (const [cache, token] of [
      ['pastKey', 'k'],
      ['pastValue', 'v'],
    ] as const) {
      const expected = before[cache]!.data.slice();
      [0, 3, 5].forEach((slot, row) => {
        for (let head = 0; head < 2; head++) {
          const from = (row * 2 + head) * 8;
          expected.set(before[token]!.data.subarray(from, from + 8), ((row * 2 + head) * 6 + slot) * 8);
        }
      });
      expect([...feeds[cache]!.data]).toEqual([...expected]);
    }
    const reference = await (await engines[1]!.compile(step)).run(stepFeeds());
    expectClose({ out: out as HostTensor }, { out: reference['out'] as HostTensor }, 1e-6);
  });

  test('updates an uploaded cache in place', async () => {
    const program = await engine.compile(step);
    const feeds = stepFeeds();
    const [pastKey, pastValue] = [await engine.upload(feeds['pastKey']!), await engine.upload(feeds['pastValue']!)];
    const first = await program.run({ ...feeds, pastKey, pastValue });
    expect(first['presentKey']).toBe(pastKey);
    const host = stepFeeds();
    await program.run(host);
    expect([...(await engine.read(pastKey)).data]).toEqual([...host['pastKey']!.data]);
    pastKey.release();
    pastValue.release();
  });

  test('copies back where an operator might read what it overwrites', async () => {
    const program = await engine.compile({
      name: 'reverse',
      inputs: { x: { dtype: 'float32', shape: [3] } },
      build: ({ x }) => ({ y: tf.add(tf.reverse(x!), x!) }),
      inPlace: { y: 'x' },
    });
    const x = f32([3], [1, 2, 4]);
    expect((await program.run({ x }))['y']).toBe(x);
    expect([...x.data]).toEqual([5, 4, 5]);
  });

  test('keeps a resident output for the next run', async () => {
    const program = await engine.compile(scale('resident', 2, { resident: ['y'] }));
    let y = (await program.run({ x: f32([2], [1, 3]) }))['y']!;
    expect('resident' in y && y.resident).toBe(true);
    for (let i = 0; i < 2; i++) y = (await program.run({ x: y }))['y']!;
    expect([...(await engine.read(y)).data]).toEqual([8, 24]);
  });

  test('knows its outputs before it runs', async () => {
    expect((await engine.compile(scale('outputs', 4))).outputs).toEqual({ y: { dtype: 'float32', shape: [4] } });
  });

  test('reads weights from shared memory', async () => {
    const data = new Float32Array(new SharedArrayBuffer(8));
    data.set([1.5, 2]);
    const { y } = await (await engine.compile(scale('shared', 2))).run({ x: { dtype: 'float32', shape: [2], data } });
    expect([...(y as HostTensor).data]).toEqual([3, 4]);
  });

  test('names an input that is missing, misshapen or unknown', async () => {
    const program = await engine.compile(scale('checked', 2));
    await expect(program.run({})).rejects.toThrow('program checked: input "x" is missing');
    await expect(program.run({ x: f32([3]) })).rejects.toThrow('input "x" must be float32 [2], got float32 [3]');
    await expect(program.run({ x: i32([2]) })).rejects.toThrow('got int32 [2]');
    await expect(program.run({ x: f32([2]), z: f32([2]) })).rejects.toThrow('no input "z"');
  });

  test('returns the cached program, and disposes the least recently used', async () => {
    const first = await engine.compile(scale('cached', 2));
    expect(await engine.compile(scale('cached', 2))).toBe(first);
    expect(await engine.compile(scale('cached', 3))).not.toBe(first);
    await engine.compile(scale('cached', 4));
    expect(await engine.compile(scale('cached', 2))).not.toBe(first);
  });
});

describe('engine cpu', () => {
  test('says that a disposed program must be compiled again', async () => {
    const program = await cpu.compile(scale('disposed', 2));
    await program.dispose();
    await expect(program.run({ x: f32([2]) })).rejects.toThrow('program disposed was disposed');
  });

  test('names a kernel that cannot be compiled, and the program', async () => {
    const broken = cpu.compile({
      name: 'broken',
      inputs: { x: { dtype: 'float32', shape: [4] } },
      build: ({ x }) => ({ y: tf.selu(x!) }),
    });
    await expect(broken).rejects.toThrow(UnsupportedError);
    await expect(broken).rejects.toThrow('program broken: the TF.js kernel Selu cannot be compiled');
  });

  test('refuses to read a value while it traces', async () => {
    const broken = cpu.compile({
      name: 'reads',
      inputs: { x: { dtype: 'float32', shape: [4] } },
      build: ({ x }) => ({ y: tf.mul(x!, x!.dataSync()[0]!) }),
    });
    await expect(broken).rejects.toThrow('program reads: a compiled program cannot read the value of a tensor');
  });

  test('returns inputs, constants and one value under two names', async () => {
    const program = await cpu.compile({
      name: 'plain',
      inputs: { x: { dtype: 'float32', shape: [2] } },
      build: ({ x }) => {
        const y = tf.add(x!, 1);
        return { same: x!, three: tf.scalar(3), wide: tf.broadcastTo(tf.scalar(2), [2, 2]), a: y, b: y };
      },
    });
    const outputs = await program.run({ x: f32([2], [5, 6]) });
    expect(
      Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, [...(value as HostTensor).data]])),
    ).toEqual({
      same: [5, 6],
      three: [3],
      wide: [2, 2, 2, 2],
      a: [6, 7],
      b: [6, 7],
    });
  });

  test('compiles again after a failure', async () => {
    let broken = true;
    const spec = scale('flaky', 2, { build: ({ x }) => ({ y: broken ? tf.selu(x!) : tf.mul(x!, 2) }) });
    await expect(cpu.compile(spec)).rejects.toThrow('Selu');
    broken = false;
    const { y } = await (await cpu.compile(spec)).run({ x: f32([2], [1, 2]) });
    expect([...(y as HostTensor).data]).toEqual([2, 4]);
  });

  test('frees the tensors of a trace', async () => {
    const before = tf.memory().numTensors;
    await cpu.compile(scale('freed', 5));
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('an engine whose package is missing says so', async ({ skip }) => {
  const packageName: string = '@tensorflow/tfjs-node-gpu';
  const present = await import(packageName).then(
    () => true,
    () => false,
  );
  skip(present, `${packageName} is installed`);
  await expect(createEngine('tensorflow', { threads: 1 })).rejects.toThrow(
    '@tensorflow/tfjs-node-gpu, which cannot be loaded',
  );
});
