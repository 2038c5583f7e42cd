/**
 * Places of weights on disk. An engine maps or reads these bytes itself, so nothing of a frozen model passes through
 * JavaScript.
 */
import { open } from 'node:fs/promises';
import { f32, sizeOf, type HostTensor } from '../../protocol/tensor.ts';
import { InputError } from '../../protocol/errors.ts';
import { toFloat32, type StoredType } from './half.ts';

export interface StoredTensor {
  /** Real path: no part of it is a symbolic link. */
  readonly file: string;
  /** Position of the tensor's first byte in the file. */
  readonly offset: number;
  /** Length in bytes. */
  readonly length: number;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
}

/** By name of the parameter. */
export type StoredWeights = Readonly<Record<string, StoredTensor>>;

/** Bytes per read. */
const CHUNK = 2 ** 24;

/** The tensor's values from first to last. @throws InputError when the file ends early. */
export async function* chunksOf({ file, offset, length, dtype }: StoredTensor): AsyncGenerator<Float32Array> {
  const handle = await open(file, 'r');
  try {
    for (let at = 0; at < length; at += CHUNK) {
      const bytes = new Uint8Array(Math.min(CHUNK, length - at));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset + at);
      if (bytesRead < bytes.length) throw new InputError(`${file}: truncated: ends at byte ${offset + at + bytesRead}`);
      yield toFloat32(bytes.buffer, dtype);
    }
  } finally {
    await handle.close();
  }
}

/** @throws InputError when the file ends early. */
export async function readStored(tensor: StoredTensor): Promise<HostTensor> {
  const data = new Float32Array(sizeOf(tensor.shape));
  let at = 0;
  for await (const chunk of chunksOf(tensor)) {
    data.set(chunk, at);
    at += chunk.length;
  }
  return f32(tensor.shape, data);
}
