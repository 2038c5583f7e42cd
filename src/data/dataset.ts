/** Where the loop's questions come from. A data set never hands out a label; labels are a separate object for the evaluator alone. */
import type { Picture, PictureRef, Question } from '../protocol/messages.ts';

export interface Dataset {
  /** Short and stable: question ids start with it. */
  readonly name: string;
  readonly size: number;
  /** Question `i` of `0..size-1`, always the same. */
  question(i: number): Question;
  /** Decodes or redraws a picture of this data set, or of any figure key. */
  picture(ref: PictureRef): Promise<Picture>;
}

/** The true answer, as text: `22`, `\frac{1}{2}`, `B`. */
export type Label = string;

/** Reached by the evaluator and the supervised baselines only; never by anything that feeds the learner. */
export interface Labels {
  /** Undefined where the data set names no answer. */
  label(questionId: string): Label | undefined;
}

export interface LabelledDataset {
  readonly dataset: Dataset;
  readonly labels: Labels;
}
