import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { kernelLines } from '../../src/cli/doctor-kernels.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { kernelsOfRun } from '../../src/policy/local/memory.ts';

const config = (workers: ConfigInput['workers']) =>
  parseConfig({
    model: packagePath('models/mini'),
    learner: { adapter: { type: 'lora', rank: 4 } },
    sampling: { samples: 2, maxNewTokens: 8 },
    workers,
  });

it('the report says which kernels the processor has, and what the model would be in 16 bits', async () => {
  const asked = config({ compute: 'f16' });
  const report = await kernelsOfRun(asked);
  expect(report).toMatchObject({ engine: 'cpu', compute: 'f16', weights: { f32: 'F32', f16: 'F32', bf16: 'F32' } });
  const { operators, programs } = report;
  expect(Object.values(operators).map(({ f32 }) => f32)).toEqual(Object.keys(operators).map(() => 'all'));
  expect(operators['Gemm']).toEqual({ f32: 'all', f16: 'none', bf16: 'none' });
  expect(operators['GroupQueryAttention']).toEqual({ f32: 'all', f16: 'all', bf16: 'none' });
  expect(operators['Softmax']?.f16).toBe('none');
  expect(Object.keys(programs)).toEqual(['rollout', 'learner']);
  for (const { nodes, f16, bf16 } of Object.values(programs)) {
    expect(f16.narrow).toBeGreaterThan(bf16.narrow);
    expect(nodes).toBeGreaterThan(f16.narrow);
    expect(Math.min(f16.casts, bf16.casts)).toBeGreaterThan(0);
  }
  const lines = kernelLines(report, asked).map(stripVTControlCharacters);
  expect(lines.find((line) => line.includes('Gemm'))).toMatch(/^ {2}Gemm +✓ +✗ +✗/);
  expect(lines).toContain('The model runs in f16 (workers.compute is "f16"); in 16 bits it would be:');
});

it('engines and types that do not go together are refused by name', async () => {
  await expect(kernelsOfRun(config({ engine: 'reference' }))).rejects.toThrow('engine reference computes in f32 only');
  await expect(kernelsOfRun(config({ engine: 'reference', compute: 'bf16' }))).rejects.toThrow(
    '`workers.compute` is "bf16", and `workers.engine` is "reference", which computes in f32 only: set "auto" or "f32", or the engine "cpu" or "cuda"',
  );
});
