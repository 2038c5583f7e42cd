/**
 * The process in which webgpu.test.ts runs its checks: a native abort must not take the test runner with it.
 * Prints one JSON line a check: {"check", "distance"}, the largest relative difference to the reference engine.
 */
import type { Engine, ProgramSpec, ResidentTensor } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { groupQueryAttention } from '../../../src/compute/compile/operators.ts';
import { i32, type HostTensor } from '../../../src/protocol/tensor.ts';
import * as tf from '@tensorflow/tfjs-core';
import { blockFeeds, blockProgram, TINY } from './block.ts';
import { spread } from './support-values.ts';

type Check = (engine: Engine) => Promise<HostTensor[]>;

const train: Check = async (engine) => {
  const program = await engine.compile(blockProgram(TINY));
  return Object.values(await program.run(blockFeeds(TINY))) as HostTensor[];
};

/** w -> w - 0.1 grad, three times, the weight never leaving the device. */
const resident: Check = async (engine) => {
  const spec: ProgramSpec = {
    name: 'descend',
    inputs: { w: { dtype: 'float32', shape: [4, 4] } },
    build: ({ w }) => ({
      next: tf.sub(
        w!,
        tf.mul(tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D))))(w!), 0.01),
      ),
    }),
    resident: ['next'],
  };
  const program = await engine.compile(spec);
  let w = await engine.upload(spread([4, 4], 3));
  for (let i = 0; i < 3; i++) {
    const next = (await program.run({ w }))['next'] as ResidentTensor;
    w.release();
    w = next;
  }
  return [await engine.read(w)];
};

/** Three tokens decoded into a cache on the device; each attends to those before it. */
const decode: Check = async (engine) => {
  const [tokens, cache] = [
    [2, 1, 32],
    [2, 2, 6, 8],
  ];
  const shape = (dims: number[]) => ({ dtype: 'float32', shape: dims }) as const;
  const program = await engine.compile({
    name: 'decode',
    inputs: {
      q: shape(tokens),
      k: shape([2, 1, 16]),
      v: shape([2, 1, 16]),
      pastKey: shape(cache),
      pastValue: shape(cache),
      seqlensK: { dtype: 'int32', shape: [2] },
      totalLength: { dtype: 'int32', shape: [] },
    },
    build: (inputs) => groupQueryAttention(inputs as never, { numHeads: 4, kvHeads: 2, scale: 0.35 }),
    inPlace: { presentKey: 'pastKey', presentValue: 'pastValue' },
  });
  const [pastKey, pastValue] = [await engine.upload(spread(cache, 4)), await engine.upload(spread(cache, 5))];
  const outs: HostTensor[] = [];
  for (let i = 0; i < 3; i++) {
    const feeds = {
      q: spread(tokens, i),
      k: spread([2, 1, 16], i + 10),
      v: spread([2, 1, 16], i + 20),
      seqlensK: i32([2], [i, i + 3]),
      totalLength: i32([], [6]),
    };
    const { out } = await program.run({ ...feeds, pastKey, pastValue });
    outs.push(out as HostTensor);
  }
  return outs;
};

function distance(got: readonly HostTensor[], want: readonly HostTensor[]): number {
  const each = want.map((tensor, i) => {
    const scale = Math.max(1, ...tensor.data.map(Math.abs));
    return Math.max(...Array.from(tensor.data, (value, j) => Math.abs(value - got[i]!.data[j]!))) / scale;
  });
  return Math.max(...each);
}

const reference = await createEngine('reference', { threads: 1 });
const webgpu = await createEngine('webgpu', { threads: 1 });
for (const [check, body] of Object.entries({ train, resident, decode })) {
  const result = distance(await body(webgpu), await body(reference));
  process.stdout.write(`${JSON.stringify({ check, distance: result })}\n`);
}
// Dawn's threads would keep the process.
process.exit(0);
