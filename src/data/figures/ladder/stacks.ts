import { INNER, LEVELS, MARGIN, numbers, runningSum, type Family } from './family.ts';

const FLOOR = 38;
const BLOCK = 5.8;
const PITCH = INNER / LEVELS;

/** Stacks of 1..6 blocks from left to right; the number of blocks is asked. */
export const stacks: Family<readonly number[]> = {
  phrasings: ['How many blocks are in the stacks?', 'What do the stacks add to?'],
  scene: (level, random) => numbers(level, random, 1, 6),
  draw(heights, canvas) {
    heights.forEach((height, stack) => {
      const x = MARGIN + PITCH * (stack + 0.5);
      for (let i = 0; i < height; i++) {
        const y = FLOOR - BLOCK * (i + 0.5);
        canvas.polyline(
          [
            [x, y - 1.5],
            [x, y + 1.5],
          ],
          0.8,
        );
      }
    });
  },
  question(heights, text) {
    const { total, ...work } = runningSum(heights);
    return { text, answer: total, ...work };
  },
};
