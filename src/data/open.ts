/** From the configuration's `data` to what the loop learns from and what it is measured on. */
import type { Config } from '../config/schema.ts';
import type { Dataset, Labels } from './dataset.ts';
import { openFigures } from './figures/dataset.ts';
import { openJsonl } from './jsonl.ts';
import { splitByPicture } from './split.ts';

export interface OpenedData {
  /** What the questioner asks. */
  readonly train: Dataset;
  /** What the evaluator asks; no picture of it is in `train`. */
  readonly heldOut: Dataset;
  /** Of the held-out questions; for the evaluator alone. */
  readonly labels: Labels;
}

/** @throws InputError that names the file, line or key. */
export async function openData(config: Config['data']): Promise<OpenedData> {
  if (config.type === 'figures') return openFigurePools(config);
  const { trainFile, heldOutFile, heldOutShare } = config;
  const { dataset, labels } = await openJsonl(trainFile);
  if (heldOutFile === undefined) {
    const { train, heldout } = await splitByPicture(dataset, heldOutShare);
    return { train, heldOut: heldout, labels };
  }
  const other = await openJsonl(heldOutFile);
  return { train: dataset, heldOut: other.dataset, labels: other.labels };
}

function openFigurePools({ seed, trainQuestions, heldOutQuestions, hard }: Extract<Config['data'], { type: 'figures' }>): OpenedData {
  const rendering = hard ? 'hard' : 'plain';
  const { dataset: train } = openFigures({ pool: 'train', pictures: trainQuestions, seed, rendering, questions: 'one' });
  const { dataset: heldOut, labels } = openFigures({ pool: 'heldout', pictures: heldOutQuestions, seed, rendering, questions: 'one' });
  return { train, heldOut, labels };
}
