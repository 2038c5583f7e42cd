import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportFigures } from '../../src/data/export.ts';
import { openFigures } from '../../src/data/figures/dataset.ts';
import { openPaths } from '../../src/data/open.ts';
import { PROVENANCE, provenanceRow, writeDataset, type WriteRow } from '../../src/data/write.ts';
import type { PictureRef } from '../../src/protocol/messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const figure = (index: number): PictureRef => ({ type: 'figure', key: `plain/t/0/${index}` });
/** An interpreter with `datasets`, if the environment names one. */
const PYTHON = process.env['QUORUM_TEST_PYTHON'] ?? '';
const pngs = fileURLToPath(new URL('../fixtures/parquet/geometry3k-*.parquet', import.meta.url));

describe.each(['set.parquet', 'set.jsonl'])('writeDataset: %s', (name) => {
  it('is read back as it was, whatever the texts', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const problem = text.map((own) => own.replaceAll(/<image\s*\d*>/g, '').trim()).filter((own) => own !== '');
    const row = fc.record({
      problem,
      pictures: fc.array(fc.nat(3).map(figure), { maxLength: 2 }),
      answer: fc.option(fc.integer().map(String)),
      kind: fc.option(fc.stringMatching(/^[a-z/]{1,9}$/)),
      share: fc.option(fc.double({ noNaN: true, min: 0, max: 1 })),
      version: fc.option(fc.nat()),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (rows) => {
        const file = join(temporaryFolder(), 'deep', name);
        const given = rows.map(({ problem: own, pictures, ...values }): WriteRow => ({
          problem: own,
          pictures,
          values,
        }));
        const written = await writeDataset(file, given, {
          answer: 'text',
          kind: 'text',
          share: 'number',
          version: 'integer',
        });
        expect(written).toEqual({
          questions: rows.length,
          pictures: new Set(rows.flatMap(({ pictures }) => pictures.map((ref) => JSON.stringify(ref)))).size,
        });
        const { dataset, labels } = await openPaths([file]);
        const read = Array.from({ length: dataset.size }, (_, i) => dataset.question(i));
        expect(read.map(({ text: own, kind = null, pictures }) => [own, kind, pictures.length])).toEqual(
          rows.map((own) => [own.problem, own.kind, own.pictures.length]),
        );
        expect(read.map(({ id }) => labels.label(id) ?? null)).toEqual(rows.map(({ answer }) => answer));
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the pixels of drawn pictures and the bytes of others', async () => {
    const { dataset } = await openPaths([pngs]);
    const refs = [figure(1), ...dataset.pictures()];
    const file = join(temporaryFolder(), name);
    await writeDataset(file, [{ problem: 'Which?', pictures: refs, values: {} }], {});
    const { dataset: read } = await openPaths([file]);
    const again = read.question(0).pictures;
    const pixels = async (ref: PictureRef) => (await dataset.picture(ref)).data;
    const drawn = await pixels(figure(1));
    const first = await pixels(again[0]!);
    expect(drawn.every((grey, i) => first[(i * first.length) / drawn.length] === grey)).toBe(true);
    for (const [i, ref] of refs.slice(1).entries()) expect(await pixels(again[i + 1]!)).toEqual(await pixels(ref));
  });

  it('says where a question comes from, and takes no vote for a label', async () => {
    const file = join(temporaryFolder(), name);
    const question = {
      id: 'q/7',
      text: 'How many?',
      pictures: [figure(2)],
      origin: 'in-context',
      parentId: 'q/1',
    } as const;
    const seed = { id: 'q/1', text: 'How tall?', pictures: [figure(2)], origin: 'dataset' } as const;
    const rows = [
      provenanceRow(question, { parent: seed, model: 'models/mini', version: 12, seed: 3, majority: '4', share: 0.7 }),
    ];
    await writeDataset(file, rows, PROVENANCE);
    const { dataset, labels } = await openPaths([file], { columns: { kind: 'origin' } });
    expect(dataset.question(0)).toMatchObject({ id: 'set/q/7', text: 'How many?', kind: 'in-context' });
    expect(labels.label('set/q/7')).toBeUndefined();
    const audit = await openPaths([file], { columns: { answer: 'majority', kind: 'share', id: 'parent' } });
    expect([audit.dataset.question(0).id, audit.dataset.question(0).kind, audit.labels.label('set/q/1')]).toEqual([
      'set/q/1',
      '0.7',
      '4',
    ]);
    const parent = await openPaths([file], { columns: { question: 'parent_problem', kind: 'seed' } });
    expect(parent.dataset.question(0)).toMatchObject({ text: 'How tall?', kind: '3' });
  });

  it('leaves no half-written Parquet file when the rows end in an error', async () => {
    const folder = temporaryFolder();
    const rows = function* (): Generator<WriteRow> {
      yield { problem: 'One?', pictures: [figure(0)], values: {} };
      throw new Error('the model died');
    };
    await expect(writeDataset(join(folder, name), rows(), {})).rejects.toThrow('the model died');
    expect((await readdir(folder)).filter((file) => /parquet|unfinished/.test(file))).toEqual([]);
  });
});

describe('writeDataset', () => {
  it('refuses another ending', async () => {
    await expect(writeDataset('/nowhere/set.csv', [], {})).rejects.toThrow();
    await expect(writeDataset(join(temporaryFolder(), 'set.csv'), [], {})).rejects.toThrow(
      /set\.csv: must end in \.parquet or \.jsonl/,
    );
  });

  it('writes figures with their labels, several row groups of them', async () => {
    const options = { pool: 'suite', pictures: 120, seed: 3 } as const;
    const file = join(temporaryFolder(), 'figures.parquet');
    const figures = openFigures(options);
    expect(await exportFigures(file, figures)).toEqual({ file, questions: figures.dataset.size, pictures: 120 });
    const { dataset, labels } = await openPaths([file]);
    expect([dataset.size, dataset.pictures().length]).toEqual([figures.dataset.size, 120]);
    for (let i = 0; i < dataset.size; i += 37) {
      expect(labels.label(dataset.question(i).id)).toBe(figures.labels.label(figures.dataset.question(i).id));
    }
    const last = dataset.question(dataset.size - 1);
    expect((await dataset.picture(last.pictures[0]!)).width).toBe(40);
  });

  it.skipIf(!existsSync(PYTHON))('writes what the Python packages read: pictures decoded, columns typed', async () => {
    const file = join(temporaryFolder(), 'set.parquet');
    const question = { id: 'q/7', text: 'Où?', pictures: [figure(2), figure(3)], origin: 'direct' } as const;
    await writeDataset(
      file,
      [provenanceRow(question, { parent: null, model: 'm', version: 12, seed: 0, majority: null, share: 0.5 })],
      PROVENANCE,
    );
    const script = `
import sys, json, datasets
row = datasets.load_dataset('parquet', data_files=sys.argv[1], split='train', cache_dir=sys.argv[2])[0]
print(json.dumps({**row, 'images': [image.size for image in row['images']]}))`;
    const { stdout, stderr } = spawnSync(PYTHON, ['-c', script, file, temporaryFolder()], { encoding: 'utf8' });
    expect(stderr).not.toContain('Error');
    const size = [40, 40];
    const provenance = {
      id: 'q/7',
      origin: 'direct',
      parent: null,
      parent_problem: null,
      model: 'm',
      version: 12,
      seed: 0,
      majority: null,
      share: 0.5,
    };
    expect(JSON.parse(stdout)).toEqual({ problem: 'Où?', images: [size, size], ...provenance });
  });
});
