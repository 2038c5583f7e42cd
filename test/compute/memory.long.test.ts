/** Compares the estimated memory with that of a learner's process on the CPU. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { learnerBytes } from '../../src/compute/memory.ts';
import { completeConfig } from '../../src/config/load.ts';
import { memoryOfRun } from '../../src/policy/local/memory.ts';
import { writeRandomModel } from '../../src/pretrain/random/folder.ts';
import { RANDOM_SHAPES } from '../../src/pretrain/random/shapes.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a step of 2 questions x 4 responses x 64 tokens takes what was told, within 15 %', async () => {
  const folder = temporaryFolder();
  const model = join(folder, 'model');
  await writeRandomModel({ folder: model, shape: RANDOM_SHAPES['0.1b'], dtype: 'BF16', seed: 0 });
  const { config } = completeConfig({
    model,
    promptTemplate: '{question}',
    sampling: { samples: 4, maxNewTokens: 64 },
    loop: { batchGroups: 2 },
    learner: { adapter: { type: 'lora' }, minibatches: 1 },
  });
  const told = learnerBytes(await memoryOfRun(config));
  const work = { kind: 'learn', model, engine: 'cpu', questions: 2, samples: 4, tokens: 64, rounds: 1 };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'bench/gpu-work.ts', JSON.stringify(work)],
    { timeout: 300_000 },
  );
  const { hostBytes } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { readonly hostBytes: number };
  expect(told / hostBytes).toBeGreaterThan(0.85);
  expect(told / hostBytes).toBeLessThan(1.15);
}, 360_000);
