import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import type { HostTensor } from '../../../src/protocol/tensor.ts';
import type { ProgramSpec } from '../../../src/compute/engine.ts';

export async function runEager(spec: ProgramSpec, feeds: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
  await tf.setBackend('cpu');
  const inputs: Record<string, tf.Tensor> = {};
  for (const [name, want] of Object.entries(spec.inputs)) {
    const feed = feeds[name];
    if (!feed || feed.dtype !== want.dtype || feed.shape.join() !== want.shape.join())
      throw new Error(`feed ${name}: ${feed?.dtype} [${feed?.shape.join()}], wants ${want.dtype} [${want.shape.join()}]`);
    inputs[name] = tf.tensor(feed.data as Float32Array, [...feed.shape], feed.dtype);
  }
  const out = tf.tidy(() => spec.build(inputs) as tf.NamedTensorMap);
  return Object.fromEntries(
    Object.entries(out).map(([name, t]) => [name, { dtype: t.dtype as 'float32', shape: t.shape, data: t.dataSync() as Float32Array }]),
  );
}
