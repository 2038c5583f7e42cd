/** Element-by-element kernels. They work on physical shapes, so a broadcast operand is never written out. */
import * as tf from '@tensorflow/tfjs-core';
import type { DType } from '../../../protocol/tensor.ts';
import { sameShape, type Graph, type Value } from '../graph.ts';
import { emit, type Call, type Emitter } from '../register.ts';

const broadcast = (...shapes: readonly (readonly number[])[]): number[] =>
  shapes.reduce<number[]>((a, b) => tf.backend_util.assertAndGetBroadcastShape([...a], [...b]), []);

/** Unary operators that TF.js defines on float32, whatever they are given. */
function float(op: string): Emitter {
  return ({ inputs, backend, graph }) => {
    const x = graph.cast(backend.value(inputs['x']!), 'float32');
    return backend.tensor(graph.node(op, [x], x), 'float32', inputs['x']!.shape);
  };
}

/** Unary operators that keep the dtype. */
function same(op: string): Emitter {
  return ({ inputs, backend, graph }) => {
    const x = backend.value(inputs['x']!);
    return backend.tensor(graph.node(op, [x], x), x.dtype as DType, inputs['x']!.shape);
  };
}

for (const [kernel, op] of Object.entries({
  [tf.Exp]: 'Exp',
  [tf.Log]: 'Log',
  [tf.Sqrt]: 'Sqrt',
  [tf.Sigmoid]: 'Sigmoid',
  [tf.Tanh]: 'Tanh',
  [tf.Erf]: 'Erf',
  [tf.Sin]: 'Sin',
  [tf.Cos]: 'Cos',
  [tf.Floor]: 'Floor',
})) {
  emit(kernel, float(op));
}
for (const [kernel, op] of Object.entries({ [tf.Neg]: 'Neg', [tf.Abs]: 'Abs', [tf.Sign]: 'Sign', [tf.Relu]: 'Relu' }))
  emit(kernel, same(op));

/** Round exists on floats only; integers are whole already. */
emit(tf.Round, ({ inputs, backend, graph }) => {
  const x = backend.value(inputs['x']!);
  return backend.tensor(x.dtype === 'float32' ? graph.node('Round', [x], x) : x, x.dtype as DType, inputs['x']!.shape);
});

const one = (graph: Graph): Value => graph.scalar('float32', 1);
const unary =
  (body: (graph: Graph, x: Value) => Value, dtype: DType = 'float32'): Emitter =>
  ({ inputs, backend, graph }) =>
    backend.tensor(body(graph, graph.cast(backend.value(inputs['x']!), 'float32')), dtype, inputs['x']!.shape);

emit(
  tf.Rsqrt,
  unary((graph, x) => graph.node('Reciprocal', [graph.node('Sqrt', [x], x)], x)),
);
// log(1 + x) loses the digits of a small x; scaling by x / ((1 + x) - 1) gives them back (Kahan).
emit(
  tf.Log1p,
  unary((graph, x) => {
    const sum = graph.node('Add', [x, one(graph)], x);
    const rounded = graph.node('Sub', [sum, one(graph)], x);
    const exact = graph.node('Mul', [graph.node('Log', [sum], x), graph.node('Div', [x, rounded], x)], x);
    const tiny = graph.node('Equal', [rounded, graph.scalar('float32', 0)], { dtype: 'bool', shape: x.shape });
    return graph.node('Where', [tiny, x, exact], x);
  }),
);
// exp(x) - 1 loses all digits near 0; tanh(x / 2) (exp(x) + 1) equals it and keeps them.
emit(
  tf.Expm1,
  unary((graph, x) => {
    const exp = graph.node('Exp', [x], x);
    const half = graph.node('Tanh', [graph.node('Mul', [x, graph.scalar('float32', 0.5)], x)], x);
    return graph.node('Mul', [half, graph.node('Add', [exp, one(graph)], x)], x);
  }),
);
emit(
  tf.IsNan,
  unary((graph, x) => graph.node('IsNaN', [x], { dtype: 'bool', shape: x.shape }), 'bool'),
);

emit(tf.Square, ({ inputs, backend, graph }) => {
  const x = backend.value(inputs['x']!);
  return backend.tensor(graph.node('Mul', [x, x], x), x.dtype as DType, inputs['x']!.shape);
});

/** 1 where x > 0, `alpha` elsewhere; NaN stays NaN in TF.js, which no program here relies on. */
emit(tf.Step, ({ inputs, attrs, backend, graph }) => {
  const x = graph.cast(backend.value(inputs['x']!), 'float32');
  const positive = graph.node('Greater', [x, graph.scalar('float32', 0)], { dtype: 'bool', shape: x.shape });
  const alpha = graph.scalar('float32', (attrs['alpha'] as number | undefined) ?? 0);
  return backend.tensor(graph.node('Where', [positive, one(graph), alpha], x), 'float32', inputs['x']!.shape);
});

emit(tf.ClipByValue, ({ inputs, attrs, backend, graph }) => {
  const x = backend.value(inputs['x']!);
  const dtype = x.dtype as DType;
  const bounds = [attrs['clipValueMin'], attrs['clipValueMax']].map((bound) => graph.scalar(dtype, bound as number));
  return backend.tensor(graph.node('Clip', [x, ...bounds], x), dtype, inputs['x']!.shape);
});

emit(tf.Cast, ({ inputs, attrs, backend, graph }) => {
  const x = backend.value(inputs['x']!);
  const dtype = attrs['dtype'] as DType;
  return backend.tensor(graph.cast(x, dtype), dtype, inputs['x']!.shape);
});

/** Operands, the broadcast physical shape, and the logical one. */
function operands({ inputs, backend }: Call): { a: Value; b: Value; shape: number[]; logical: number[] } {
  const a = backend.value(inputs['a']!);
  const b = backend.value(inputs['b']!);
  return { a, b, shape: broadcast(a.shape, b.shape), logical: broadcast(inputs['a']!.shape, inputs['b']!.shape) };
}

/** The side that `a op b` equals when the other is the operator's neutral constant (0 for Add, 1 for Mul). */
function neutral(graph: Graph, op: string, a: Value, b: Value): Value | undefined {
  const unit = op === 'Mul' || op === 'Div' ? 1 : 0;
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(op)) return undefined;
  if (graph.scalarOf(b) === unit && b.shape.length <= a.shape.length) return a;
  if ((op === 'Add' || op === 'Mul') && graph.scalarOf(a) === unit && a.shape.length <= b.shape.length) return b;
  return undefined;
}

function arithmetic(op: string): Emitter {
  return (call) => {
    const { a, b, shape, logical } = operands(call);
    const dtype = a.dtype as DType;
    const value = neutral(call.graph, op, a, b) ?? call.graph.node(op, [a, b], { dtype, shape });
    return call.backend.tensor(value, dtype, logical);
  };
}
for (const [kernel, op] of Object.entries({
  [tf.Add]: 'Add',
  [tf.Sub]: 'Sub',
  [tf.Multiply]: 'Mul',
  [tf.Maximum]: 'Max',
  [tf.Minimum]: 'Min',
  [tf.Pow]: 'Pow',
})) {
  emit(kernel, arithmetic(op));
}

emit(tf.RealDiv, (call) => {
  const { a, b, shape, logical } = operands(call);
  const [x, y] = [call.graph.cast(a, 'float32'), call.graph.cast(b, 'float32')];
  const value = neutral(call.graph, 'Div', x, y) ?? call.graph.node('Div', [x, y], { dtype: 'float32', shape });
  return call.backend.tensor(value, 'float32', logical);
});

emit(tf.FloorDiv, (call) => {
  const { a, b, shape, logical } = operands(call);
  const [x, y] = [call.graph.cast(a, 'float32'), call.graph.cast(b, 'float32')];
  const quotient = call.graph.node('Floor', [call.graph.node('Div', [x, y], { dtype: 'float32', shape })], {
    dtype: 'float32',
    shape,
  });
  return call.backend.tensor(call.graph.cast(quotient, a.dtype), a.dtype as DType, logical);
});

emit(tf.SquaredDifference, (call) => {
  const { a, b, shape, logical } = operands(call);
  const difference = call.graph.node('Sub', [a, b], { dtype: a.dtype, shape });
  return call.backend.tensor(call.graph.node('Mul', [difference, difference], difference), a.dtype as DType, logical);
});

function comparison(op: string, negated = false): Emitter {
  return (call) => {
    const { a, b, shape, logical } = operands(call);
    // ORT compares no bools by order, and numbers of mixed dtype not at all.
    const dtype = a.dtype === 'bool' && op !== 'Equal' ? 'int32' : a.dtype;
    const type = { dtype: 'bool', shape } as const;
    const result = call.graph.node(op, [call.graph.cast(a, dtype), call.graph.cast(b, dtype)], type);
    return call.backend.tensor(negated ? call.graph.node('Not', [result], type) : result, 'bool', logical);
  };
}
emit(tf.Equal, comparison('Equal'));
emit(tf.NotEqual, comparison('Equal', true));
emit(tf.Less, comparison('Less'));
emit(tf.LessEqual, comparison('LessOrEqual'));
emit(tf.Greater, comparison('Greater'));
emit(tf.GreaterEqual, comparison('GreaterOrEqual'));

function logical(op: string): Emitter {
  return (call) => {
    const { a, b, shape, logical: out } = operands(call);
    return call.backend.tensor(
      call.graph.node(op, [call.graph.cast(a, 'bool'), call.graph.cast(b, 'bool')], { dtype: 'bool', shape }),
      'bool',
      out,
    );
  };
}
emit(tf.LogicalAnd, logical('And'));
emit(tf.LogicalOr, logical('Or'));
emit(tf.LogicalNot, ({ inputs, backend, graph }) => {
  const x = graph.cast(backend.value(inputs['x']!), 'bool');
  return backend.tensor(graph.node('Not', [x], x), 'bool', inputs['x']!.shape);
});

emit(tf.Select, ({ inputs, backend, graph }) => {
  const [t, e] = [backend.value(inputs['t']!), backend.value(inputs['e']!)];
  const dtype = t.dtype as DType;
  let condition = graph.cast(backend.value(inputs['condition']!), 'bool');
  const logicalShape = broadcast(inputs['condition']!.shape, inputs['t']!.shape, inputs['e']!.shape);
  // TF.js lets a vector condition choose rows; ONNX aligns from the right.
  const rank = inputs['t']!.shape.length;
  if (inputs['condition']!.shape.length === 1 && rank > 1) {
    condition = graph.reshape(backend.dense(inputs['condition']!), [
      inputs['condition']!.shape[0]!,
      ...Array.from<number>({ length: rank - 1 }).fill(1),
    ]);
  }
  const out = inputs['condition']!.shape.length === 1 && rank > 1 ? inputs['t']!.shape : logicalShape;
  const shape = broadcast(condition.shape, t.shape, e.shape);
  // ORT's Where has no bool; int32 holds it.
  const work = dtype === 'bool' ? 'int32' : dtype;
  const chosen = graph.node('Where', [condition, graph.cast(t, work), graph.cast(e, work)], { dtype: work, shape });
  return backend.tensor(graph.cast(chosen, dtype), dtype, out);
});

/** Repeats. Where only dims of 1 are repeated (tf.broadcastTo), that is a broadcast and costs nothing. */
emit(tf.Tile, ({ inputs, attrs, backend, graph }) => {
  const info = inputs['x']!;
  const reps = attrs['reps'] as number[];
  const shape = info.shape.map((dim, i) => dim * reps[i]!);
  const x = backend.value(info);
  const padded = [...Array.from<number>({ length: info.shape.length - x.shape.length }).fill(1), ...x.shape];
  if (padded.every((dim, i) => dim === 1 || reps[i] === 1)) return backend.tensor(x, x.dtype as DType, shape);
  const dense = backend.dense(info);
  return backend.tensor(
    sameShape(dense.shape, shape) ? dense : graph.node('Tile', [dense, graph.ints(reps)], { dtype: x.dtype, shape }),
    x.dtype as DType,
  );
});

emit(tf.Identity, ({ inputs, backend }) => {
  const { dataId, dtype, shape } = inputs['x']!;
  backend.incRef(dataId);
  return { dataId, dtype, shape };
});

emit(tf.Fill, ({ attrs, backend, graph }) => {
  const dtype = (attrs['dtype'] as DType | undefined) ?? 'float32';
  return backend.tensor(graph.scalar(dtype, Number(attrs['value'])), dtype, attrs['shape'] as number[]);
});
function constantLike(value: number): Emitter {
  return ({ inputs, backend, graph }) =>
    backend.tensor(graph.scalar(inputs['x']!.dtype as DType, value), inputs['x']!.dtype as DType, inputs['x']!.shape);
}
emit(tf.ZerosLike, constantLike(0));
emit(tf.OnesLike, constantLike(1));

emit(tf.Range, ({ attrs, backend, graph }) => {
  const { start, stop, step, dtype } = attrs as {
    start: number;
    stop: number;
    step: number;
    dtype: 'float32' | 'int32';
  };
  const length = Math.max(0, Math.ceil((stop - start) / step));
  const values = Array.from({ length }, (_, i) => start + i * step);
  return backend.tensor(
    graph.constant(dtype, [length], dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values)),
    dtype,
  );
});
