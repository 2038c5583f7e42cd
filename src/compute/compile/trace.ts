/** Runs a program's `build` once on the symbolic backend and returns the graph that its kernel calls made. */
import * as tf from '@tensorflow/tfjs-core';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { DType } from '../../protocol/tensor.ts';
import type { ProgramSpec } from './program.ts';
import { SYMBOLIC, type SymbolicBackend } from './backend.ts';
import { Graph } from './graph.ts';
import { prune } from './prune.ts';
import './gradients.ts';
import './kernels/elementwise.ts';
import './kernels/fused.ts';
import './kernels/matmul.ts';
import './kernels/reduce.ts';
import './kernels/shape.ts';

/** @throws UnsupportedError naming the program and the kernel that has no ONNX form. */
export function trace(spec: ProgramSpec): Graph {
  // Settles in the same turn: the backend's factory is synchronous.
  void tf.setBackend(SYMBOLIC);
  if (tf.getBackend() !== SYMBOLIC) throw new UnsupportedError(`TF.js did not switch to the ${SYMBOLIC} backend`);
  const backend = tf.backend() as SymbolicBackend;
  const graph = new Graph();
  backend.reset(graph);
  tf.engine().startScope();
  try {
    build(spec, backend, graph);
  } catch (error) {
    throw explain(spec.name, error);
  } finally {
    tf.engine().endScope();
    backend.reset(new Graph());
  }
  return prune(graph);
}

function build(spec: ProgramSpec, backend: SymbolicBackend, graph: Graph): void {
  const inputs: Record<string, tf.Tensor> = {};
  for (const [name, type] of Object.entries(spec.inputs)) {
    const info = backend.tensor(graph.input(name, type), type.dtype);
    inputs[name] = tf.engine().makeTensorFromTensorInfo(info);
  }
  for (const [name, tensor] of Object.entries(spec.build(inputs))) {
    if (name in inputs) throw new UnsupportedError(`output "${name}" has the name of an input; rename it`);
    graph.output(name, graph.cast(backend.dense(tensor), tensor.dtype as DType));
  }
}

function explain(program: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const kernel = /Kernel '(\w+)' not registered/.exec(error.message)?.[1];
  if (kernel)
    return new UnsupportedError(
      `program ${program}: the TF.js kernel ${kernel} cannot be compiled; compose it from supported ones`,
      {
        cause: error,
      },
    );
  if (error instanceof UnsupportedError)
    return new UnsupportedError(`program ${program}: ${error.message}`, { cause: error });
  return error;
}
