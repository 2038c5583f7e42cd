/** The machine's GPUs and the memory in use on the first of them; empty or undefined without an NVIDIA driver. */
import { setTimeout as pause } from 'node:timers/promises';
import { nvidiaSmi } from '../src/lib/nvidia-smi.ts';

const EVERY_MILLISECONDS = 250;

const ask = (...fields: string[]): Promise<string[][]> => nvidiaSmi(fields).catch(() => []);

/** Name, driver and MiB of memory of each GPU. */
export async function gpusHere(): Promise<string[]> {
  return (await ask('name', 'driver_version', 'memory.total')).map((values) => values.join(', '));
}

/** Bytes in use by all processes. */
export async function gpuMemory(): Promise<number | undefined> {
  const [used] = await ask('memory.used');
  return used === undefined ? undefined : 2 ** 20 * Number(used[0]);
}

/** Polls until `stop`, which returns the most bytes in use. */
export function peakGpuMemory(): { stop(): Promise<number | undefined> } {
  const end = new AbortController();
  const watch = async (): Promise<number | undefined> => {
    let peak: number | undefined;
    while (!end.signal.aborted) {
      const used = await gpuMemory();
      if (used === undefined) return peak;
      peak = Math.max(peak ?? 0, used);
      await pause(EVERY_MILLISECONDS, undefined, { signal: end.signal }).catch(() => {});
    }
    return peak;
  };
  const watching = watch();
  return {
    stop: () => {
      end.abort();
      return watching;
    },
  };
}
