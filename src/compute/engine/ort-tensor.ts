/** Tensors of ONNX Runtime, and their conversion from and to host tensors. */
import './no-telemetry.ts';
import './preload-runtime.ts';
import * as ort from 'onnxruntime-node';
import { sizeOf, type DType, type HostTensor, type TensorData } from '../../protocol/tensor.ts';
import type { Feed, ResidentTensor, TensorSpec } from './engine.ts';

/** A tensor in ONNX Runtime's memory: host memory, or a GPU buffer on `webgpu`. */
export class OrtResident implements ResidentTensor {
  readonly resident = true;
  readonly dtype: DType;
  readonly shape: readonly number[];
  #tensor: ort.Tensor | undefined;

  constructor(spec: TensorSpec, tensor: ort.Tensor) {
    this.dtype = spec.dtype;
    this.shape = spec.shape;
    this.#tensor = tensor;
  }

  get tensor(): ort.Tensor {
    if (!this.#tensor)
      throw new RangeError(`a resident ${this.dtype} [${this.shape.join(', ')}] tensor was used after its release`);
    return this.#tensor;
  }

  /** Takes over the value of another tensor: an update in place for a buffer that cannot be written. */
  replace(tensor: ort.Tensor): void {
    const old = this.tensor;
    this.#tensor = tensor;
    if (old.location === 'gpu-buffer') old.dispose();
  }

  release(): void {
    if (this.#tensor?.location === 'gpu-buffer') this.#tensor.dispose();
    this.#tensor = undefined;
  }
}

export function allocate({ dtype, shape }: TensorSpec): TensorData {
  const size = sizeOf(shape);
  return dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}

/** Wraps the host tensor's own memory; copies shared memory, which ONNX Runtime refuses. */
export function wrap({ dtype, shape, data }: HostTensor): ort.Tensor {
  const owned = data.buffer instanceof SharedArrayBuffer ? data.slice() : data;
  return new ort.Tensor(dtype, owned as Float32Array, [...shape]);
}

export function toOrt(feed: Feed): ort.Tensor {
  if (!('resident' in feed)) return wrap(feed);
  if (!(feed instanceof OrtResident))
    throw new TypeError('a resident tensor of another engine was fed; read it there and upload it here');
  return feed.tensor;
}

/** The host tensor over a CPU tensor's own memory. */
export function toHost(tensor: ort.Tensor): HostTensor {
  return { dtype: tensor.type as DType, shape: [...tensor.dims], data: tensor.data as TensorData };
}
