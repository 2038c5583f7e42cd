/**
 * The `symbolic` TF.js backend: a tensor is the name of a value in the graph being traced; kernels append nodes and do
 * no arithmetic.
 */
import * as tf from '@tensorflow/tfjs-core';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { DType } from '../../protocol/tensor.ts';
import { Graph, type Value } from './graph.ts';

export const SYMBOLIC = 'symbolic';

interface Entry {
  readonly value: Value;
  references: number;
}

export class SymbolicBackend extends tf.KernelBackend {
  /** The graph that kernels append to; set for the time of one trace. */
  graph = new Graph();
  readonly #entries = new Map<object, Entry>();

  /** The value behind a tensor; its shape may be narrower than the tensor's (lazy broadcast). */
  value(info: tf.TensorInfo): Value {
    const entry = this.#entries.get(info.dataId);
    if (!entry)
      throw new UnsupportedError(
        'a tensor made outside of the program was used in it; make it inside of `build`, or pass it as an input',
      );
    return entry.value;
  }

  /** The value behind a tensor, with the tensor's own shape. */
  dense(info: tf.TensorInfo): Value {
    return this.graph.expand(this.value(info), info.shape);
  }

  /** A new tensor for `value`, which broadcasts to `shape`. */
  tensor(value: Value, dtype: DType, shape: readonly number[] = value.shape): tf.TensorInfo {
    const dataId = {};
    this.#entries.set(dataId, { value, references: 1 });
    return { dataId, dtype, shape: [...shape] };
  }

  reset(graph: Graph): void {
    this.graph = graph;
    this.#entries.clear();
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.#entries.set(dataId, { value: this.#constant(values, shape, dtype), references: 1 });
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.#entries.set(dataId, { value: this.#constant(values, shape, dtype), references: refCount });
  }

  #constant(values: tf.BackendValues, shape: number[], dtype: tf.DataType): Value {
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
      throw new UnsupportedError(`tensors of dtype ${dtype} cannot be compiled`);
    const numbers = values as ArrayLike<number>;
    const first = numbers[0];
    if (first !== undefined && Array.prototype.every.call(numbers, (value) => Object.is(value, first)))
      return this.graph.scalar(dtype, first);
    const data =
      dtype === 'float32'
        ? Float32Array.from(numbers)
        : dtype === 'int32'
          ? Int32Array.from(numbers)
          : Uint8Array.from(numbers);
    return this.graph.constant(dtype, shape, data);
  }

  override incRef(dataId: object): void {
    const entry = this.#entries.get(dataId);
    if (entry) entry.references += 1;
  }

  override refCount(dataId: object): number {
    return this.#entries.get(dataId)?.references ?? 0;
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.#entries.get(dataId);
    if (!entry) return true;
    entry.references -= 1;
    if (!force && entry.references > 0) return false;
    this.#entries.delete(dataId);
    return true;
  }

  override readSync(): never {
    throw new UnsupportedError(
      'a compiled program cannot read the value of a tensor (dataSync, data, print): shapes and control flow must not depend on it',
    );
  }

  override read(): never {
    return this.readSync();
  }

  override numDataIds(): number {
    return this.#entries.size;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: true, reasons: ['symbolic tensors take no memory'] };
  }

  override dispose(): void {
    this.#entries.clear();
  }
}

tf.registerBackend(SYMBOLIC, () => new SymbolicBackend());
