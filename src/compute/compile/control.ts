/**
 * Loops and branches inside a program, as functions over TF.js tensors: ONNX's `Loop` and `If` when the program is
 * traced, JavaScript's own when it runs eagerly. A body is traced once; it may use any tensor of the outer program. No
 * gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { DType } from '../../protocol/tensor.ts';
import { SYMBOLIC, type SymbolicBackend } from './backend.ts';
import { Graph, sameShape, type OutputType, type Value } from './graph.ts';

type Tensors = Readonly<Record<string, Tensor>>;

export interface LoopState {
  /** [] bool: whether there is a further step. */
  readonly going: Tensor;
  /** Values passed from step to step; names, dtypes and shapes stay the same. */
  readonly carried: Tensors;
}

export interface LoopStep extends LoopState {
  /** Stored for every step. */
  readonly scanned: Tensors;
}

export interface LoopResult {
  readonly carried: Tensors;
  /** [limit, ...] each; zeros after the last step that was made. */
  readonly scanned: Tensors;
}

/** Repeats `body` while `going` and at most `limit` times. It gets the number of the step, [] int32, from 0 on. */
export function loop(limit: number, start: LoopState, body: (step: Tensor, carried: Tensors) => LoopStep): LoopResult {
  return tf.getBackend() === SYMBOLIC ? tracedLoop(limit, start, body) : eagerLoop(limit, start, body);
}

function eagerLoop(limit: number, start: LoopState, body: (step: Tensor, carried: Tensors) => LoopStep): LoopResult {
  const steps: LoopStep[] = [];
  let state = start;
  while (steps.length < limit && state.going.dataSync()[0]) {
    const next = body(tf.scalar(steps.length, 'int32'), state.carried);
    steps.push(next);
    state = next;
  }
  // Without any step, build one to find the types of what it would store.
  const stored = (steps[0] ?? body(tf.scalar(0, 'int32'), start.carried)).scanned;
  const scanned = Object.entries(stored).map(([name, { shape, dtype }]) => {
    const missing = tf.zeros([limit - steps.length, ...shape], dtype);
    return [name, tf.concat([...steps.map((step) => tf.expandDims(step.scanned[name]!, 0)), missing])] as const;
  });
  return { carried: state.carried, scanned: Object.fromEntries(scanned) };
}

function tracedLoop(limit: number, start: LoopState, body: (step: Tensor, carried: Tensors) => LoopStep): LoopResult {
  const backend = tf.backend() as SymbolicBackend;
  const { graph } = backend;
  const names = Object.keys(start.carried);
  const initial = names.map((name) => backend.dense(start.carried[name]!));
  const traced = inBody(backend, (inner) => {
    const step = inner.input(inner.localName('step'), { dtype: 'int64', shape: [] });
    inner.input(inner.localName('going'), { dtype: 'bool', shape: [] });
    const values = initial.map((type, i) => tensorOf(backend, inner.input(inner.localName(names[i]!), type)));
    const next = body(tensorOf(backend, inner.cast(step, 'int32')), zip(names, values));
    output(backend, { going: next.going });
    output(backend, next.carried, start.carried);
    return { names: Object.keys(next.scanned), types: output(backend, next.scanned) };
  });
  const outputs = graph.append({
    op: 'Loop',
    inputs: [graph.constant('int64', [], BigInt64Array.of(BigInt(limit))), backend.dense(start.going), ...initial],
    outputs: [...initial, ...traced.result.types.map(({ dtype, shape }) => ({ dtype, shape: [limit, ...shape] }))],
    attrs: { body: { graph: traced.body } },
  });
  const tensors = outputs.map((value, i) => tensorOf(backend, i < names.length ? value : padded(graph, value)));
  return { carried: zip(names, tensors), scanned: zip(traced.result.names, tensors.slice(names.length)) };
}

/** ONNX stores as many rows as there were steps: zeros make them the number that the shape says. */
function padded(graph: Graph, rows: Value): Value {
  const type = { dtype: rows.dtype, shape: rows.shape };
  const zeros = graph.expand(graph.scalar(rows.dtype as DType, 0), rows.shape);
  const longer = graph.node('Concat', [rows, zeros], type, { axis: 0 });
  return graph.node('Slice', [longer, graph.ints([0]), graph.ints([rows.shape[0]!]), graph.ints([0])], type);
}

/** The tensors of the branch that `condition` [] bool chooses; both branches give the same names, dtypes and shapes. */
export function choose(condition: Tensor, yes: () => Tensors, no: () => Tensors): Tensors {
  if (tf.getBackend() !== SYMBOLIC) return condition.dataSync()[0] ? yes() : no();
  const backend = tf.backend() as SymbolicBackend;
  const first = inBody(backend, () => {
    const tensors = yes();
    return { tensors, types: output(backend, tensors) };
  });
  const second = inBody(backend, () => output(backend, no(), first.result.tensors));
  const outputs = backend.graph.append({
    op: 'If',
    inputs: [backend.dense(condition)],
    outputs: first.result.types,
    attrs: { then_branch: { graph: first.body }, else_branch: { graph: second.body } },
  });
  return zip(
    Object.keys(first.result.tensors),
    outputs.map((value) => tensorOf(backend, value)),
  );
}

/** Runs `trace` with a new body of the current graph in its place. */
function inBody<T>(backend: SymbolicBackend, trace: (body: Graph) => T): { body: Graph; result: T } {
  const outer = backend.graph;
  const body = new Graph(outer);
  backend.graph = body;
  try {
    return { body, result: trace(body) };
  } finally {
    backend.graph = outer;
  }
}

/**
 * Makes tensors the next outputs of the current body, in the order of `like` if given. @throws UnsupportedError if
 * names, dtypes or shapes differ from those of `like`.
 */
function output(backend: SymbolicBackend, tensors: Tensors, like: Tensors = tensors): OutputType[] {
  return Object.entries(like).map(([name, { dtype, shape }]) => {
    const tensor = tensors[name];
    if (tensor?.dtype !== dtype || !sameShape(tensor.shape, shape)) {
      const got = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'nothing';
      throw new UnsupportedError(`"${name}" of a loop or branch must be ${dtype} [${shape.join(', ')}], got ${got}`);
    }
    const { graph } = backend;
    graph.output(
      graph.localName(`out${graph.outputs.length}.${name}`),
      graph.cast(backend.dense(tensor), dtype as DType),
    );
    return { dtype: dtype as DType, shape };
  });
}

const tensorOf = (backend: SymbolicBackend, value: Value): Tensor =>
  tf.engine().makeTensorFromTensorInfo(backend.tensor(value, value.dtype as DType));

const zip = (names: readonly string[], tensors: readonly Tensor[]): Tensors =>
  Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
