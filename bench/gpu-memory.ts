/** What `nvidia-smi` says of the machine's first GPU; nothing where there is none. */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const ASK_MILLISECONDS = 20_000;
const EVERY_MILLISECONDS = 250;

async function ask(fields: string): Promise<string[]> {
  const options = { timeout: ASK_MILLISECONDS };
  return promisify(execFile)('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'], options).then(
    ({ stdout }) => stdout.split('\n').filter((line) => line.trim() !== ''),
    () => [],
  );
}

/** Name, driver and MiB of memory of each GPU. */
export function gpusHere(): Promise<string[]> {
  return ask('name,driver_version,memory.total');
}

/** Bytes in use, by all processes. */
export async function gpuMemory(): Promise<number | undefined> {
  const [used] = await ask('memory.used');
  return used === undefined ? undefined : 2 ** 20 * Number(used);
}

/** Asks again and again until `stop`, which gives the most bytes in use. */
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
