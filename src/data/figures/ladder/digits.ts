import { writeNumber } from '../digits.ts';
import { cellCentre, numbers, runningSum, type Family } from './family.ts';

/** Digits 1..9 in reading order on a grid of 4 by 3; the total is asked. */
export const digits: Family<readonly number[]> = {
  phrasings: ['What is the total?', 'What do the digits add to?'],
  scene: (level, random) => numbers(level, random, 1, 9),
  draw(values, canvas) {
    values.forEach((value, i) => writeNumber(canvas, value, cellCentre(i, 4, 3), 8));
  },
  question(values, text) {
    const { total, ...work } = runningSum(values);
    return { text, answer: total, ...work };
  },
};
