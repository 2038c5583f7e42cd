/** The committed models/ladder: its files are the recipe's, and its accuracy falls with the level. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { evaluateModel } from '../../src/api/evaluate.ts';
import { resolveConfig } from '../../src/cli/config-options.ts';
import { mean } from '../../src/lib/mean.ts';
import { packagePath } from '../../src/lib/package-path.ts';
import { writeMini } from '../../src/pretrain/mini.ts';
import { LADDER } from '../../src/pretrain/recipes/ladder.ts';
import { temporaryFolder } from '../support/temporary.ts';

const MODEL = packagePath('models/ladder');

it('has the files that the recipe makes, its weights and its card', async () => {
  const folder = join(temporaryFolder(), 'ladder');
  await writeMini(folder, LADDER.words);
  const made = readdirSync(folder);
  expect(readdirSync(MODEL).toSorted()).toEqual([...made, 'README.md', 'model.safetensors'].toSorted());
  for (const name of made)
    expect([name, readFileSync(join(MODEL, name), 'utf8')]).toEqual([name, readFileSync(join(folder, name), 'utf8')]);
});

it('answers low levels, hardly any of the highest, and those between in between', async () => {
  const { config } = await resolveConfig({ data: 'ladder', set: ['evaluation.k=2'] }, temporaryFolder());
  const [measured] = await evaluateModel(config, { data: ['ladder'], n: 360 });
  const levels = Object.values(measured!.accuracy.levels!);
  expect(levels).toHaveLength(12);
  const quarters = [0, 3, 6, 9].map((from) => mean(levels.slice(from, from + 3)));
  expect(levels[0]).toBeGreaterThan(0.9);
  expect(quarters).toEqual(quarters.toSorted((a, b) => b - a));
  expect(quarters[3]).toBeLessThan(0.25);
}, 240_000);
