/**
 * The ladder as a data set: one question a picture, in families whose difficulty is a level from 1 to 12. The loop is
 * not told the level; the evaluator is, by the labels.
 */
import type { LabelledDataset } from '../../dataset.ts';
import { Random } from '../../rng.ts';
import type { Rendering } from '../canvas.ts';
import { figureSet, type FigurePool } from '../dataset.ts';
import { formatKey, ladderScene, type FigureKey } from '../figure.ts';
import { FAMILY_NAMES, ladderQuestion, rungAt, type FamilyName } from './table.ts';

export interface LadderOptions {
  readonly pool: FigurePool;
  readonly pictures: number;
  readonly seed?: number;
  readonly rendering?: Rendering;
  /** Default: all, in turns. */
  readonly families?: readonly FamilyName[];
}

export function openLadder(options: LadderOptions): LabelledDataset {
  const { pool, pictures, seed = 0, rendering = 'plain', families = FAMILY_NAMES } = options;
  const entries = [];
  for (let index = 0; entries.length < pictures; index++) {
    const rung = rungAt(index);
    if (!families.includes(rung.family)) continue;
    const figure: FigureKey = { set: 'ladder', rendering, pool, seed, index };
    const { text, answer } = ladderQuestion(
      rung,
      ladderScene(figure),
      new Random('ladder question', pool, seed, index),
    );
    entries.push({ key: formatKey(figure), kind: `ladder/${rung.family}`, text, answer, level: rung.level });
  }
  return figureSet(`ladder/${rendering}/${pool}`, entries);
}
