import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkCudaDevice, cudaDeviceOf } from '../../../src/compute/engine/cuda-device.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** A machine with these GPUs, by what nvidia-smi would say. */
function machineWith(...gpus: readonly string[]): void {
  const bin = join(temporaryFolder(), 'bin');
  mkdirSync(bin);
  const lines = gpus.map((gpu) => `echo '${gpu}'`).join('\n');
  writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH']}`);
}

beforeEach(() => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
  return () => {
    vi.unstubAllEnvs();
  };
});

it('the number after the colon is the device', () => {
  expect((['cuda', 'cuda:0', 'cuda:12', 'cpu'] as const).map(cudaDeviceOf)).toEqual([undefined, 0, 12, undefined]);
});

describe.skipIf(process.platform === 'win32')('a device', () => {
  it('that exists is accepted', async () => {
    machineWith('NVIDIA H100', 'NVIDIA H200');
    for (const name of ['cuda', 'cuda:0', 'cuda:1'] as const)
      await expect(checkCudaDevice(name)).resolves.toBeUndefined();
  });

  it('that does not exist is refused with those that do', async () => {
    machineWith('NVIDIA H100', 'NVIDIA H200');
    await expect(checkCudaDevice('cuda:2')).rejects.toThrow(
      'engine cuda:2: this machine has no such GPU; known are cuda:0 (NVIDIA H100), cuda:1 (NVIDIA H200)',
    );
    machineWith();
    await expect(checkCudaDevice('cuda:0')).rejects.toThrow('engine cuda:0: this machine has no GPU');
  });

  it('is counted among those that CUDA_VISIBLE_DEVICES leaves', async () => {
    machineWith('NVIDIA H100', 'NVIDIA H100');
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '1');
    await expect(checkCudaDevice('cuda:0')).resolves.toBeUndefined();
    await expect(checkCudaDevice('cuda:1')).rejects.toThrow(
      'engine cuda:1: CUDA_VISIBLE_DEVICES=1 leaves no such GPU; known are cuda:0 (1)',
    );
  });
});
