/** bench/gpu.ts on the CPU, with a model that is nearly nothing: the numbers mean nothing, the script works. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { writeRandomModel } from '../../src/pretrain/random/folder.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { TINY_SHAPE } from '../support/tiny-shape.ts';

interface Row {
  readonly name: string;
  readonly value?: number;
  readonly unit?: string;
  readonly why?: string;
}

/** Without the folders in which `nvidia-smi` would be. */
const bench = (args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/gpu.ts', ...args], {
    env: { PATH: '/nowhere', XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] },
  });

test('measures a learner step and a rollout, and says what failed', async () => {
  const folder = temporaryFolder();
  const [model, broken, out] = [join(folder, 'tiny'), join(folder, 'broken'), join(folder, 'gpu.json')];
  await writeRandomModel({ folder: model, shape: TINY_SHAPE, dtype: 'BF16', seed: 0 });
  mkdirSync(broken);
  writeFileSync(join(broken, 'config.json'), '{}');
  const rowsOf = async (of: string, only: string): Promise<readonly Row[]> => {
    await bench(['--engine', 'cpu', '--quick', '--model', of, '--only', only, '--out', out]);
    return (JSON.parse(readFileSync(out, 'utf8')) as { rows: readonly Row[] }).rows;
  };
  const rows = await rowsOf(model, 'learn,rollout');
  expect(rows.map(({ name, unit }) => [name, unit])).toEqual([
    ['tiny learner step, 1 x 2 x 8', 'ms'],
    ['tiny learner step, 1 x 2 x 8', 'GB of host memory'],
    ['tiny rollout, 4 rows', 'ms/step'],
    ['tiny rollout, 4 rows', 'tokens/s'],
    ['tiny rollout, 4 rows', 'GB of host memory'],
  ]);
  for (const { value } of rows) expect(Number.isFinite(value)).toBe(true);
  expect(await rowsOf(broken, 'learn')).toEqual([
    { name: 'broken learner step, 1 x 2 x 8', why: expect.stringContaining('failed: ') as string },
  ]);
}, 120_000);

test('widens the bundled model, trains it, and lets it improve without labels', async () => {
  const out = join(temporaryFolder(), 'gpu.json');
  await bench(['--engine', 'cpu', '--quick', '--improve', 'test', '--only', 'improve', '--out', out]);
  const { rows } = JSON.parse(readFileSync(out, 'utf8')) as { rows: readonly Row[] };
  const name = 'test from the bundled model';
  expect(rows.filter(({ why }) => why !== undefined)).toEqual([]);
  const units = (of: string): unknown[] => rows.filter((row) => row.name === `${name}: ${of}`).map(({ unit }) => unit);
  expect(units('trained with labels')).toEqual(['steps', 'nats a token', 's since it began']);
  expect(units('version 0')).toEqual(['% right', 's since it began']);
  expect(units('improved without labels')).toEqual([
    '% right before',
    '% right at version 1',
    'steps',
    's of the loop',
  ]);
  // Of ten questions; random weights answer none.
  const [base] = rows.filter(({ unit }) => unit === '% right before');
  expect(base!.value).toBeGreaterThan(0);
}, 180_000);

test('without a GPU it says so, and how to try it', async () => {
  await expect(bench([])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^no NVIDIA GPU is seen here .* --engine cpu --like 0\.1b --quick/) as string,
  });
});
