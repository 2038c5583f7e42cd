import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { choose, loop } from '../../../src/compute/compile/control.ts';
import { bodiesOf } from '../../../src/compute/compile/graph.ts';
import { trace } from '../../../src/compute/compile/trace.ts';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { f32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { run } from './support.ts';

const engines = await Promise.all((['cpu', 'reference'] as const).map((name) => createEngine(name, { threads: 1 })));
afterAll(() => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]())));

const LIMIT = 6;

/** Adds `by` and the step's number to `x` until its sum exceeds `most`; stores x after every step. */
const counting: ProgramSpec = {
  name: 'counting',
  inputs: {
    x: { dtype: 'float32', shape: [3] },
    by: { dtype: 'float32', shape: [3] },
    most: { dtype: 'float32', shape: [] },
  },
  build({ x, by, most }) {
    const going = (value: Tensor): Tensor => tf.lessEqual(tf.sum(value), most!);
    const doubled = tf.mul(by!, 2);
    const { carried, scanned } = loop(
      LIMIT,
      { going: going(x!), carried: { x: x!, steps: tf.scalar(0, 'int32') } },
      (step, state) => {
        const next = tf.add(tf.add(state['x']!, tf.div(doubled, 2)), tf.cast(step, 'float32'));
        return {
          going: going(next),
          carried: { steps: tf.add(state['steps']!, tf.scalar(1, 'int32')), x: next },
          scanned: { history: next, twice: tf.mul(next, doubled) },
        };
      },
    );
    return { last: carried['x']!, steps: carried['steps']!, doubled, ...scanned };
  },
};

/** The same in JavaScript. */
function count(x: number[], by: number[], most: number): { x: number[]; history: number[]; steps: number } {
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
  const history: number[] = [];
  let [at, steps] = [x, 0];
  while (steps < LIMIT && sum(at) <= most) {
    at = at.map((value, i) => value + by[i]! + steps);
    history.push(...at);
    steps++;
  }
  return { x: at, history: [...history, ...Array.from<number>({ length: 3 * (LIMIT - steps) }).fill(0)], steps };
}

const branching: ProgramSpec = {
  name: 'branching',
  inputs: {
    x: { dtype: 'float32', shape: [2] },
    scale: { dtype: 'float32', shape: [2] },
    limit: { dtype: 'float32', shape: [] },
  },
  build({ x, scale, limit }) {
    const scaled = tf.mul(x!, scale!);
    const inner = (from: Tensor): Tensor =>
      choose(
        tf.greater(tf.sum(from), tf.scalar(100)),
        () => ({ value: tf.neg(from) }),
        () => ({ value: tf.add(from, scale!) }),
      )['value']!;
    const { value } = choose(
      tf.greater(tf.sum(scaled), limit!),
      () => ({ value: inner(tf.mul(scaled, 10)) }),
      () => ({ value: scaled }),
    );
    return { value: value!, scaled };
  },
};

const numbers = (tensor: HostTensor | undefined): number[] => Array.from(tensor!.data, (value) => value + 0);

describe.each(engines.map((engine) => [engine.name, engine] as const))('engine %s', (_, engine) => {
  test.each([
    [8, 3],
    [1000, LIMIT],
  ])('loops while the sum is at most %i: %i steps', async (most, steps) => {
    const [x, by] = [
      [0, 1, 2],
      [1, 0, -1],
    ] as const;
    const out = await run(engine, counting, { x: f32([3], x), by: f32([3], by), most: f32([], [most]) });
    const expected = count([...x], [...by], most);
    expect(expected.steps).toBe(steps);
    expect(numbers(out['last'])).toEqual(expected.x);
    expect(numbers(out['steps'])).toEqual([steps]);
    expect(out['history']!.shape).toEqual([LIMIT, 3]);
    expect(numbers(out['history'])).toEqual(expected.history);
    expect(numbers(out['twice'])).toEqual(expected.history.map((value, i) => value * by[i % 3]! * 2 + 0));
  });

  test.each([
    ['the second branch', 1, 50, [2, 12]],
    ['the first, and in it the first', 1, 5, [-20, -120]],
    ['the first, and in it the second', 0.5, 5, [12, 63]],
  ])('takes %s', async (_name, size, limit, value) => {
    const out = await run(engine, branching, {
      x: f32([2], [size, 4 * size]),
      scale: f32([2], [2, 3]),
      limit: f32([], [limit]),
    });
    expect(numbers(out['value'])).toEqual(value);
  });

  test('a loop that makes no step leaves what it was given', async () => {
    const feeds = { x: f32([3], [5, 6, 7]), by: f32([3], [1, 1, 1]), most: f32([], [0]) };
    const out = await run(engine, counting, feeds);
    expect(numbers(out['last'])).toEqual([5, 6, 7]);
    expect(numbers(out['history'])).toEqual(Array.from({ length: 3 * LIMIT }, () => 0));
  });
});

test('drops what neither the program nor a body needs, and keeps what only a body needs', () => {
  const graph = trace({
    name: 'pruned',
    inputs: { x: { dtype: 'float32', shape: [2] } },
    build({ x }) {
      const [needed, unneeded] = [tf.exp(x!), tf.sin(x!)];
      const { carried } = loop(2, { going: tf.scalar(true, 'bool'), carried: { x: x! } }, (_, state) => {
        tf.add(unneeded, 1);
        const next = tf.add(state['x']!, needed);
        return { going: tf.scalar(true, 'bool'), carried: { x: tf.add(next, tf.mul(needed, needed)) }, scanned: {} };
      });
      return { last: carried['x']!, needed };
    },
  });
  expect(graph.nodes.map(({ op }) => op).toSorted()).toEqual(['Exp', 'Identity', 'Loop']);
  const [body] = graph.nodes.flatMap(bodiesOf);
  expect(body!.nodes.map(({ op }) => op)).toEqual(['Add', 'Mul', 'Add', 'Identity']);
  const names = [graph, body!].flatMap(({ nodes, inputs }) => [
    ...inputs.map(({ name }) => name),
    ...nodes.flatMap(({ outputs }) => outputs),
  ]);
  expect(new Set(names).size).toBe(names.length);
});

test('says which value changed its shape on the way through a loop', () => {
  const spec: ProgramSpec = {
    name: 'growing',
    inputs: { x: { dtype: 'float32', shape: [2] } },
    build: ({ x }) =>
      loop(2, { going: tf.scalar(true, 'bool'), carried: { x: x! } }, (_, state) => ({
        going: tf.scalar(true, 'bool'),
        carried: { x: tf.concat([state['x']!, x!]) },
        scanned: {},
      })).carried,
  };
  expect(() => trace(spec)).toThrow('"x" of a loop or branch must be float32 [2], got float32 [4]');
});
