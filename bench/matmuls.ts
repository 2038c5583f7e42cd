/** Lists and times the matrix products of a program, the work that bounds any engine. */
import * as tf from '@tensorflow/tfjs-core';
import { Graph, type NodeSpec, type Value } from '../src/compute/compile/graph.ts';
import { trace } from '../src/compute/compile/trace.ts';
import type { Engine, ProgramSpec } from '../src/compute/engine/engine.ts';
import { f32 } from '../src/protocol/tensor.ts';
import { seconds } from './measure.ts';

export interface MatMul {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Multiplications and additions. */
  readonly flops: number;
}

/** Traces `spec` and lists the matrix products of its optimised graph. */
export function matmulsOf(spec: ProgramSpec): MatMul[] {
  const seen = new Map<string, MatMul>();
  const append = Graph.prototype.append;
  Graph.prototype.append = function (node: NodeSpec): Value[] {
    const outputs = append.call(this, node);
    if (node.op === 'Gemm' || node.op === 'FusedMatMul' || node.op === 'MatMul')
      seen.set(outputs[0]!.name, describe(node));
    return outputs;
  };
  try {
    return trace(spec).nodes.flatMap((node) => seen.get(node.outputs[0]!) ?? []);
  } finally {
    Graph.prototype.append = append;
  }
}

function describe({ inputs, outputs, attrs = {} }: NodeSpec): MatMul {
  const [a, b] = [inputs[0]!.shape, inputs[1]!.shape];
  const transposeA = Boolean(attrs['transA']);
  const inner = a.at(transposeA ? -2 : -1)!;
  return {
    a,
    b,
    transposeA,
    transposeB: Boolean(attrs['transB']),
    flops: 2 * inner * outputs[0]!.shape.reduce((product, dim) => product * dim, 1),
  };
}

/** Seconds of one product alone on the same engine. */
export async function timeMatmul(
  engine: Engine,
  { a, b, transposeA, transposeB }: MatMul,
  runs: number,
): Promise<number> {
  const program = await engine.compile({
    name: `bench:${a.join('x')}:${b.join('x')}:${transposeA}:${transposeB}`,
    inputs: { a: { dtype: 'float32', shape: a }, b: { dtype: 'float32', shape: b } },
    build: ({ a, b }) => ({ c: tf.matMul(a!, b!, transposeA, transposeB) }),
    resident: ['c'],
  });
  const feeds = { a: await engine.upload(filled(a)), b: await engine.upload(filled(b)) };
  const time = await seconds(runs, async () => {
    const { c } = await program.run(feeds);
    if (c && 'resident' in c) c.release();
  });
  for (const feed of Object.values(feeds)) feed.release();
  await program.dispose();
  return time;
}

function filled(shape: readonly number[]) {
  const tensor = f32(shape);
  (tensor.data as Float32Array).forEach((_, i, data) => (data[i] = Math.sin(i)));
  return tensor;
}
