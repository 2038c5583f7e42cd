import { writeNumber } from '../digits.ts';
import { drawClock } from '../scenes.ts';
import { cellCentre, numbers, runningSum, type Family } from './family.ts';

export interface HoursScene {
  /** 1..12, shown by a clock. */
  readonly hour: number;
  /** Hours that pass, 1..9 each. */
  readonly later: readonly number[];
}

/** Cells of a grid of 4 by 4 that the clock leaves free. */
const CELLS = [2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** A clock, and digits in reading order right of it and below; the hour after all of them is asked. */
export const hours: Family<HoursScene> = {
  phrasings: ['What hour is it after all these hours?', 'What hour is it in the end?'],
  scene: (level, random) => ({ hour: random.int(1, 12), later: numbers(level - 1, random, 1, 9) }),
  draw({ hour, later }, canvas) {
    drawClock(hour, canvas, [10.5, 10.5], 0.5);
    later.forEach((value, i) => writeNumber(canvas, value, cellCentre(CELLS[i]!, 4, 4), 7));
  },
  question({ hour, later }, text) {
    const { total, reading, working } = runningSum([hour, ...later]);
    const answer = ((total - 1) % 12) + 1;
    return {
      text,
      answer,
      reading,
      working: answer === total ? working : `${working} ${total}-${total - answer}=${answer}`,
    };
  },
};
