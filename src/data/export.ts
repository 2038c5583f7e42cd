/** Writes figures as a data set of files, readable by `openPath` and by Hugging Face `datasets`. */
import { extname, join } from 'node:path';
import type { LabelledDataset } from './dataset.ts';
import { writeDataset, type WriteRow, type Written } from './write.ts';

const COLUMNS = { id: 'text', answer: 'text', kind: 'text' } as const;

/** @param out a `.parquet` or `.jsonl` file, or a folder for `data.jsonl` and `images/`. */
export async function exportFigures(
  out: string,
  { dataset, labels }: LabelledDataset,
  force = false,
): Promise<Written & { readonly file: string }> {
  const hasLevels = dataset.size > 0 && labels.level?.(dataset.question(0).id) !== undefined;
  const rows = function* (): Generator<WriteRow> {
    for (let i = 0; i < dataset.size; i++) {
      const { id, text: problem, pictures, kind = null } = dataset.question(i);
      yield {
        problem,
        pictures,
        values: { id, answer: labels.label(id) ?? null, kind, level: labels.level?.(id) ?? null },
      };
    }
  };
  const file = ['.parquet', '.jsonl'].includes(extname(out)) ? out : join(out, 'data.jsonl');
  return { ...(await writeDataset(file, rows(), { ...COLUMNS, ...(hasLevels && { level: 'integer' }) }, force)), file };
}
