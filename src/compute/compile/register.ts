/**
 * Registers kernels on the symbolic backend. An emitter gets the kernel's tensors and attributes and returns the
 * tensors it made.
 */
import * as tf from '@tensorflow/tfjs-core';
import { SYMBOLIC, type SymbolicBackend } from './backend.ts';
import type { Graph } from './graph.ts';

type Info = tf.TensorInfo;

export interface Call {
  readonly inputs: Readonly<Record<string, Info>>;
  // TF.js types attributes per kernel, by convention only.
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: SymbolicBackend;
  readonly graph: Graph;
}

export type Emitter = (call: Call) => Info | Info[];

export function emit(kernelName: string, emitter: Emitter): void {
  tf.registerKernel({
    kernelName,
    backendName: SYMBOLIC,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const symbolic = backend as SymbolicBackend;
      return emitter({
        inputs: inputs as Record<string, Info>,
        attrs: attrs ?? {},
        backend: symbolic,
        graph: symbolic.graph,
      });
    },
  });
}

export function emitAll(emitters: Readonly<Record<string, Emitter>>): void {
  for (const [name, emitter] of Object.entries(emitters)) emit(name, emitter);
}

/** Axes as TF.js kernels get them (a number, a list, or nothing for all), made non-negative. */
export function axesOf(axis: unknown, rank: number): number[] {
  const list =
    axis === undefined || axis === null
      ? Array.from({ length: rank }, (_, i) => i)
      : Array.isArray(axis)
        ? (axis as number[])
        : [axis as number];
  return list.map((value) => (value < 0 ? value + rank : value));
}
