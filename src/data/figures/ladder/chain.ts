import type { Canvas, Point } from '../canvas.ts';
import { writeNumber } from '../digits.ts';
import { cellCentre, type Family } from './family.ts';

/** Signed digits, -9..9 without 0; the first is positive, and no sum of the first ones is negative. */
type Terms = readonly number[];

/** A digit, then digits with a plus or minus, in reading order on a grid of 3 by 4; the result is asked. */
export const chain: Family<Terms> = {
  phrasings: ['What is the result?', 'What does the chain come to?'],
  scene(level, random) {
    const terms = [random.int(1, 9)];
    for (let sum = terms[0]!; terms.length < level; sum += terms.at(-1)!) {
      const digit = random.int(1, 9);
      terms.push(digit <= sum && random.int(0, 1) === 1 ? -digit : digit);
    }
    return terms;
  },
  draw(terms, canvas) {
    terms.forEach((term, i) => {
      const [x, y] = cellCentre(i, 3, 4);
      if (i > 0) drawSign(Math.sign(term), canvas, [x - 3.6, y]);
      writeNumber(canvas, Math.abs(term), [x + 2.4, y], 7);
    });
  },
  question([first, ...others], text) {
    let result = first!;
    const steps = others.map((term) => {
      const before = result;
      result += term;
      return `${before}${signed(term)}=${result}`;
    });
    const reading = [first, ...others.map(signed)].join(' ');
    return { text, answer: result, reading, working: [reading, ...steps].join(' ') };
  },
};

const signed = (term: number): string => (term < 0 ? String(term) : `+${term}`);

function drawSign(sign: number, canvas: Canvas, [x, y]: Point): void {
  canvas.polyline([
    [x - 1.7, y],
    [x + 1.7, y],
  ]);
  if (sign > 0)
    canvas.polyline([
      [x, y - 1.7],
      [x, y + 1.7],
    ]);
}
