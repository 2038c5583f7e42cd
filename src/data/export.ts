/** Writes figures as a data set of files, readable by `openPath` and by Hugging Face `datasets`. */
import { extname, join } from 'node:path';
import { openFigures, type FiguresOptions } from './figures/dataset.ts';
import { writeDataset, type WriteRow, type Written } from './write.ts';

/** @param out a `.parquet` or `.jsonl` file, or a folder for `data.jsonl` and `images/`. */
export async function exportFigures(
  out: string,
  options: FiguresOptions,
  force = false,
): Promise<Written & { readonly file: string }> {
  const { dataset, labels } = openFigures(options);
  const rows = function* (): Generator<WriteRow> {
    for (let i = 0; i < dataset.size; i++) {
      const { id, text: problem, pictures, kind = null } = dataset.question(i);
      yield { problem, pictures, values: { id, answer: labels.label(id) ?? null, kind } };
    }
  };
  const file = ['.parquet', '.jsonl'].includes(extname(out)) ? out : join(out, 'data.jsonl');
  return { ...(await writeDataset(file, rows(), { id: 'text', answer: 'text', kind: 'text' }, force)), file };
}
