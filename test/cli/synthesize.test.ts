import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../src/lib/package-path.ts';
import { synthesizeQuestions } from '../../src/cli/synthesize.ts';
import { configSchema } from '../../src/config/schema.ts';
import { exportFigures } from '../../src/data/export.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openPaths } from '../../src/data/open.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { signal } = new AbortController();
const config = configSchema.parse({ model: packagePath('models/mini'), seed: 3 });

async function figures(file: string, pictures: number): Promise<string> {
  const path = join(temporaryFolder(), file);
  await exportFigures(path, openFigures({ pool: 'train', pictures, seed: 2, questions: 'one' }));
  return path;
}

describe('synthesizeQuestions with the bundled model', () => {
  it.each(['direct', 'in-context'] as const)(
    'writes %s questions, more than half of them usable, with where they come from',
    async (mode) => {
      const data = await figures('seeds.parquet', 60);
      const { dataset: seeds } = await openPaths([data]);
      const texts = new Map(
        Array.from({ length: seeds.size }, (_, i) => [seeds.question(i).id, seeds.question(i).text]),
      );
      const file = join(temporaryFolder(), 'out.jsonl');
      const done = await synthesizeQuestions(config, { data: [data], mode, n: 24, file }, signal);
      expect(done.questions).toBe(24);
      expect(done.written).toBe(24 + Object.values(done.rejected).reduce((sum, n) => sum + n, 0));
      expect(done.questions / done.written).toBeGreaterThan(0.5);
      const rows = readFileSync(file, 'utf8').trimEnd().split('\n');
      for (const row of rows.map((line) => JSON.parse(line) as Record<string, unknown>)) {
        expect(row['problem']).toMatch(/^\S.*\S\s*\?$/);
        expect(row).toMatchObject({
          origin: mode,
          version: 0,
          seed: 3,
          model: config.model,
          majority: null,
          share: null,
        });
        if (mode === 'direct') expect([row['parent'], row['parent_problem']]).toEqual([null, null]);
        else expect(row['parent_problem']).toBe(texts.get(row['parent'] as string));
      }
      const { dataset } = await openPaths([file]);
      expect([dataset.size, dataset.pictures().length]).toEqual([24, done.pictures]);
    },
    120_000,
  );

  it('asks about pictures alone, and keeps what the vote finds worth learning from; the same again for the same seed', async () => {
    const folder = temporaryFolder();
    const { dataset } = await openPaths([await figures('seeds.jsonl', 30)]);
    const paths = dataset.pictures().map((ref) => (ref.type === 'file' ? ref.path : ''));
    const data = join(folder, 'pictures.jsonl');
    writeFileSync(data, paths.map((path) => JSON.stringify({ images: [path] })).join('\n'));
    const run = async (name: string) => {
      const file = join(folder, name);
      const {
        seconds: _,
        file: __,
        ...counts
      } = await synthesizeQuestions(config, { data: [data], n: 4, vote: 6, file }, signal);
      return { counts, text: readFileSync(file, 'utf8') };
    };
    const once = await run('a.jsonl');
    for (const line of once.text.trimEnd().split('\n')) {
      const { share, majority, origin } = JSON.parse(line) as Record<string, unknown>;
      expect([origin, typeof majority]).toEqual(['direct', 'string']);
      expect(share).toBeGreaterThanOrEqual(config.filters.shareFloor);
      expect(share).toBeLessThan(1);
    }
    expect(await run('b.jsonl')).toEqual(once);
  }, 240_000);

  it('ends with the reasons when nothing is usable, and leaves an older file of that name alone', async () => {
    const file = join(temporaryFolder(), 'out.parquet');
    writeFileSync(file, 'older');
    const strict = { ...config, synthesis: { ...config.synthesis, maxNewTokens: 1, batchQuestions: 2 } };
    await expect(synthesizeQuestions(strict, { n: 4, file }, signal)).rejects.toThrow(
      /nothing usable: none in the last 8 batches \(rejected in all: 16 unfinished\); nothing is written/,
    );
    expect(readFileSync(file, 'utf8')).toBe('older');
  }, 60_000);

  it('keeps what it has when the pictures run out of new questions', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'out.parquet');
    const same = { ...config, synthesis: { ...config.synthesis, duplicateSimilarity: 0, batchQuestions: 4 } };
    const all = synthesizeQuestions(
      same,
      { data: [await figures('one.jsonl', 1)], mode: 'direct', n: 9, file },
      signal,
    );
    await expect(all).rejects.toThrow(/rejected in all: .*\d+ duplicate.*\); 1 of 9 questions are in .*out\.parquet/);
    expect((await openPaths([file])).dataset.size).toBe(1);
    expect(readdirSync(folder)).toEqual(['out.parquet']);
  }, 60_000);
});

describe('synthesizeQuestions refuses', () => {
  it.each([
    ['an empty data set', '', 'out.jsonl', /rows\.jsonl: holds no questions/],
    [
      'a data set without pictures',
      '{"problem": "2 + 2?", "images": []}',
      'out.jsonl',
      /rows\.jsonl: holds no pictures to ask about/,
    ],
    ['another ending', '', 'out.csv', /out\.csv: must end in \.parquet or \.jsonl/],
  ])('%s', async (_, rows, name, message) => {
    const data = join(temporaryFolder(), 'rows.jsonl');
    const file = join(temporaryFolder(), name);
    writeFileSync(data, rows);
    await expect(synthesizeQuestions(config, { n: 1, data: [data], file }, signal)).rejects.toThrow(message);
    expect(existsSync(file)).toBe(false);
  });
});
