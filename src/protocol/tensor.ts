/** A dense tensor in host memory. The only tensor form that crosses threads, files and sockets. */

export type DType = 'float32' | 'int32' | 'bool';

export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Row-major; `data.length` equals the product of `shape`. `bool` is one byte an element. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Parameters, gradients and optimizer moments by Hugging Face state-dict name. */
export type TensorMap = Readonly<Record<string, HostTensor>>;

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

export function f32(shape: readonly number[], data?: Float32Array | readonly number[]): HostTensor {
  const values = data instanceof Float32Array ? data : data ? Float32Array.from(data) : new Float32Array(sizeOf(shape));
  return checked({ dtype: 'float32', shape, data: values });
}

export function i32(shape: readonly number[], data?: Int32Array | readonly number[]): HostTensor {
  const values = data instanceof Int32Array ? data : data ? Int32Array.from(data) : new Int32Array(sizeOf(shape));
  return checked({ dtype: 'int32', shape, data: values });
}

/** @throws RangeError when the data does not fill the shape. */
function checked(tensor: HostTensor): HostTensor {
  if (tensor.data.length !== sizeOf(tensor.shape)) {
    throw new RangeError(
      `tensor of shape [${tensor.shape.join(', ')}] needs ${sizeOf(tensor.shape)} values, got ${tensor.data.length}`,
    );
  }
  return tensor;
}
