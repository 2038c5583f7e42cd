/**
 * Where the loop's questions come from. A data set never hands out a label; labels are a separate object for the
 * evaluator alone.
 */
import type { Picture, PictureRef, Question } from '../protocol/messages.ts';
import { loadPicture, pictureKey } from './picture.ts';

export interface Dataset {
  /** Short and stable prefix of question ids. */
  readonly name: string;
  readonly size: number;
  /** Question `i` of `0..size-1`; the same `i` always gives the same question. */
  question(i: number): Question;
  /** File and row of a question, for messages; undefined for an id that it does not know. */
  where?(questionId: string): string | undefined;
  /** Each picture once, in order of first appearance; a data set of pictures alone has them and no questions. */
  pictures(): readonly PictureRef[];
  /** Decodes or redraws a picture of this data set, or of any figure key. */
  picture(ref: PictureRef): Promise<Picture>;
}

/** The true answer, as text: `22`, `\frac{1}{2}`, `B`. */
export type Label = string;

/** Passed to the evaluator and the supervised baselines only; never to anything that feeds the learner. */
export interface Labels {
  /** Undefined when the data set has no answer. */
  label(questionId: string): Label | undefined;
  /** Other right answers: the text of the right choice, if the label is its letter. */
  alternatives?(questionId: string): readonly Label[];
  /** Decimals to which an answer is rounded before the comparison, if the data set specifies them. */
  decimals?(questionId: string): number | undefined;
  /** Difficulty, where the data set has one: accuracy is shown by level. */
  level?(questionId: string): number | undefined;
}

export interface LabelledDataset {
  readonly dataset: Dataset;
  readonly labels: Labels;
  /** Notes on data that can be read in more than one way. */
  readonly notes?: readonly string[];
}

/**
 * A data set over questions already in memory; also what a split yields. @param pictures default: those of the
 * questions.
 */
export function listDataset(name: string, questions: readonly Question[], pictures?: readonly PictureRef[]): Dataset {
  return {
    name,
    size: questions.length,
    question(i: number): Question {
      const question = questions[i];
      if (!question) throw new RangeError(`question ${i} is outside 0..${questions.length - 1}`);
      return question;
    },
    pictures: () => distinct(pictures ?? questions.flatMap((question) => question.pictures)),
    picture: (ref: PictureRef): Promise<Picture> => loadPicture(ref),
  };
}

function distinct(refs: readonly PictureRef[]): readonly PictureRef[] {
  return [...new Map(refs.map((ref) => [pictureKey(ref), ref])).values()];
}
