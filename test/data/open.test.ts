import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema, type ConfigInput } from '../../src/config/schema.ts';
import { openData } from '../../src/data/open.ts';
import { temporaryFolder } from '../support/temporary.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/parquet/${name}`, import.meta.url));
const open = (data: ConfigInput['data'], picturesAlone = false) =>
  openData(configSchema.parse({ data }).data, { picturesAlone });

describe('openData', () => {
  it('splits Parquet rows by picture, and knows the answers of the held-out ones', async () => {
    const { train, heldOut, labels } = await open({
      type: 'parquet',
      trainFile: fixture('geometry3k-*.parquet'),
      heldOutShare: 0.5,
    });
    expect(train.size + heldOut.size).toBe(7);
    const shown = train.pictures().map((ref) => JSON.stringify(ref));
    expect(heldOut.pictures().filter((ref) => shown.includes(JSON.stringify(ref)))).toEqual([]);
    const answers = Array.from({ length: heldOut.size }, (_, i) => labels.label(heldOut.question(i).id));
    expect(answers.filter((answer) => answer === undefined).length).toBeLessThanOrEqual(1);
  });

  it('holds out nothing with a share of 0, and all with 1', async () => {
    const data = { type: 'parquet', trainFile: fixture('geometry3k-*.parquet') } as const;
    const sizes = async (heldOutShare: number) => {
      const { train, heldOut } = await open({ ...data, heldOutShare });
      return [train.size, heldOut.size];
    };
    expect([await sizes(0), await sizes(1)]).toEqual([
      [7, 0],
      [0, 7],
    ]);
  });

  it('takes a held-out file of its own, and columns by name', async () => {
    const columns = { question: 'caption' };
    const { train, heldOut } = await open({
      type: 'parquet',
      trainFile: fixture('no-questions.parquet'),
      heldOutFile: fixture('no-questions.parquet'),
      columns,
    });
    expect([train.question(0).text, heldOut.question(0).text]).toEqual(['A disc.', 'A disc.']);
  });

  it('opens pictures without questions only for synthesis, with nothing to measure on but a held-out file', async () => {
    const data = { type: 'parquet', trainFile: fixture('pictures.parquet') } as const;
    await expect(open(data)).rejects.toThrow(/pictures\.parquet: needs a column of questions/);
    const { train, heldOut } = await open(data, true);
    expect([train.size, train.pictures().length, heldOut.size]).toEqual([0, 2, 0]);
    const measured = await open({ ...data, heldOutFile: fixture('geoqa.parquet') }, true);
    expect([
      measured.train.size,
      measured.heldOut.size,
      measured.labels.label(measured.heldOut.question(1).id),
    ]).toEqual([0, 2, '5']);
  });

  it('draws figures of the kinds and rendering asked for', async () => {
    const { train } = await open({
      type: 'figures',
      trainQuestions: 6,
      heldOutQuestions: 2,
      rendering: 'harsh',
      kinds: ['clock', 'bars'],
    });
    const kinds = Array.from({ length: train.size }, (_, i) => train.question(i).kind?.split('/')[0]);
    expect(kinds).toEqual(['bars', 'clock', 'bars', 'clock', 'bars', 'clock']);
    expect(train.pictures()[0]).toMatchObject({ key: expect.stringMatching(/^harsh\/train\//) as string });
  });

  it('names the file that is not there', async () => {
    const trainFile = join(temporaryFolder(), 'none.parquet');
    await expect(open({ type: 'parquet', trainFile })).rejects.toThrow(/none\.parquet: cannot be read/);
  });
});
