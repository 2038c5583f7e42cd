/** Matrix products. A transposed operand is folded into the product instead of being written out. */
import * as tf from '@tensorflow/tfjs-core';
import type { Graph, Value } from '../graph.ts';
import { emit, type Call } from '../register.ts';

interface Product {
  readonly a: Value;
  readonly b: Value;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly shape: readonly number[];
}

export function matmul(graph: Graph, { a, b, transposeA, transposeB, shape }: Product): Value {
  const type = { dtype: 'float32', shape } as const;
  if (!transposeA && !transposeB) return graph.node('MatMul', [a, b], type);
  const attrs = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  if (a.shape.length === 2 && b.shape.length === 2) return graph.node('Gemm', [a, b], type, attrs);
  return graph.node('FusedMatMul', [a, b], type, attrs, 'com.microsoft');
}

/** An operand may stay broadcast over its batch dims: ONNX broadcasts those itself. */
function operand({ inputs, backend, graph }: Call, key: string): Value {
  const info = inputs[key]!;
  const value = backend.value(info);
  const rank = info.shape.length;
  const matrixIsDense =
    value.shape.length === rank && value.shape.slice(-2).every((dim, i) => dim === info.shape[rank - 2 + i]);
  return graph.cast(matrixIsDense ? value : backend.dense(info), 'float32');
}

emit(tf.BatchMatMul, (call) => {
  const [a, b] = [call.inputs['a']!.shape, call.inputs['b']!.shape];
  const transposeA = Boolean(call.attrs['transposeA']);
  const transposeB = Boolean(call.attrs['transposeB']);
  const rows = a.at(transposeA ? -1 : -2)!;
  const columns = b.at(transposeB ? -2 : -1)!;
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const product = {
    a: operand(call, 'a'),
    b: operand(call, 'b'),
    transposeA,
    transposeB,
    shape: [...batch, rows, columns],
  };
  return call.backend.tensor(matmul(call.graph, product), 'float32');
});
