/** Writes figures as a JSONL data set with PNG files, readable by `openJsonl` and by Hugging Face `datasets`. */
import { open, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Picture } from '../protocol/messages.ts';
import { openFigures, type FiguresOptions } from './figures/dataset.ts';

/** @returns how many questions and pictures were written to `folder/data.jsonl` and `folder/images/`. */
export async function exportFigures(folder: string, options: FiguresOptions): Promise<{ questions: number; pictures: number }> {
  const { dataset, labels } = openFigures(options);
  await mkdir(join(folder, 'images'), { recursive: true });
  const file = await open(join(folder, 'data.jsonl'), 'w');
  const written = new Set<string>();
  try {
    for (let i = 0; i < dataset.size; i++) {
      const question = dataset.question(i);
      const [ref] = question.pictures;
      if (ref?.type !== 'figure') continue;
      const image = `images/${ref.key.replaceAll('/', '-')}.png`;
      if (!written.has(image)) await writePng(join(folder, image), await dataset.picture(ref));
      written.add(image);
      const row = {
        id: question.id,
        problem: question.text,
        images: [image],
        answer: labels.label(question.id),
        kind: question.kind,
      };
      await file.write(`${JSON.stringify(row)}\n`);
    }
  } finally {
    await file.close();
  }
  return { questions: dataset.size, pictures: written.size };
}

async function writePng(path: string, { data, width, height, channels }: Picture): Promise<void> {
  await sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toFile(path);
}
