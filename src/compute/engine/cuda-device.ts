/** Devices of the engine `cuda`: `cuda:N` names the GPU with the number N, as CUDA counts them. */
import { nvidiaSmi } from '../../lib/nvidia-smi.ts';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { EngineName } from './engine.ts';

/** Undefined for the provider's own choice, which is the first. */
export function cudaDeviceOf(name: EngineName): number | undefined {
  const device = name.split(':')[1];
  return device === undefined ? undefined : Number(device);
}

/** @throws UnsupportedError for a number that no GPU has. Where nvidia-smi is missing, the provider finds out. */
export async function checkCudaDevice(name: EngineName): Promise<void> {
  const device = cudaDeviceOf(name);
  if (device === undefined) return;
  const all = await nvidiaSmi(['name']).catch(() => undefined);
  if (!all) return;
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const gpus = visible === undefined ? all.flat() : visible.split(',').filter((each) => each.trim() !== '');
  if (device < gpus.length) return;
  const known = gpus.map((gpu, i) => `cuda:${i} (${gpu.trim()})`).join(', ');
  const within = visible === undefined ? 'this machine has' : `CUDA_VISIBLE_DEVICES=${visible} leaves`;
  throw new UnsupportedError(
    gpus.length === 0
      ? `engine ${name}: ${within} no GPU: choose another engine`
      : `engine ${name}: ${within} no such GPU; known are ${known}`,
  );
}
