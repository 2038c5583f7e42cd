import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nodeArguments } from '../../support/script.ts';

/** A Vulkan driver in software, as Debian's chromium package ships it, where the machine has no other. */
const CHROMIUM = '/usr/lib/chromium';
const software = `${CHROMIUM}/vk_swiftshader_icd.json`;
const env = existsSync(software)
  ? { ...process.env, VK_ICD_FILENAMES: software, LD_LIBRARY_PATH: CHROMIUM }
  : process.env;

function child(entry: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...nodeArguments(new URL(entry, import.meta.url)), ...args], {
    env,
    encoding: 'utf8',
    timeout: 120_000,
  });
}

describe('engine webgpu', { timeout: 180_000 }, () => {
  const probe = child('../../../src/compute/engine/try-engine.ts', 'webgpu');
  const absent = probe.status === 0 ? '' : `no WebGPU here: ${probe.stderr.split('\n')[0]}`;
  const result = absent ? undefined : child('./webgpu-child.ts');
  const distances = Object.fromEntries(
    (result?.stdout ?? '')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => {
        const { check, distance } = JSON.parse(line) as { check: string; distance: number };
        return [check, distance];
      }),
  );

  test.for([
    ['trains a transformer as the reference does', 'train'],
    ['keeps weights on the device between runs', 'resident'],
    ['decodes into a cache on the device', 'decode'],
  ] as const)('%s', ([, check], context) => {
    if (absent) context.skip(absent);
    expect.soft(distances[check] ?? `no answer: ${result?.stderr}`).toBeLessThan(2e-6);
  });
});
