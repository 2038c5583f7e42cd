/** Devices of the engine `cuda`: `cuda:N` names the GPU with the number N, as CUDA counts them. */
import { nvidiaSmi } from '../../lib/nvidia-smi.ts';
import { UnsupportedError } from '../../protocol/errors.ts';
import type { EngineName } from './engine.ts';

const MEBIBYTE = 2 ** 20;

/** Undefined for the provider's own choice, which is the first. */
export function cudaDeviceOf(name: EngineName): number | undefined {
  const device = name.split(':')[1];
  return device === undefined ? undefined : Number(device);
}

/** Free memory of the GPU, in bytes; undefined where the driver does not say. */
export async function freeOnGpu(name: EngineName): Promise<number | undefined> {
  const all = await nvidiaSmi(['index', 'uuid', 'memory.free']).catch(() => []);
  const device = cudaDeviceOf(name) ?? 0;
  const own = visibleGpus()?.[device] ?? String(device);
  const gpu = all.find(([index, uuid]) => index === own || uuid?.startsWith(own));
  return gpu && MEBIBYTE * Number(gpu[2]);
}

/** Numbers or names of the GPUs that CUDA may show to this process; undefined for all. */
function visibleGpus(): string[] | undefined {
  const names = process.env['CUDA_VISIBLE_DEVICES']?.split(',').map((name) => name.trim());
  return names?.filter((name) => name !== '');
}

/** @throws UnsupportedError for a number that no GPU has. Where nvidia-smi is missing, the provider finds out. */
export async function checkCudaDevice(name: EngineName): Promise<void> {
  const device = cudaDeviceOf(name);
  if (device === undefined) return;
  const all = await nvidiaSmi(['name']).catch(() => undefined);
  if (!all) return;
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const gpus = visibleGpus() ?? all.flat();
  if (device < gpus.length) return;
  const known = gpus.map((gpu, i) => `cuda:${i} (${gpu.trim()})`).join(', ');
  const within = visible === undefined ? 'this machine has' : `CUDA_VISIBLE_DEVICES=${visible} leaves`;
  throw new UnsupportedError(
    gpus.length === 0
      ? `engine ${name}: ${within} no GPU: choose another engine`
      : `engine ${name}: ${within} no such GPU; known are ${known}`,
  );
}
