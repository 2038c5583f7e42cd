/**
 * A family of the ladder: pictures whose difficulty is a number, the level. A picture of level n shows n things that
 * are all to be read and put together, so a response grows with the level: to about 120 tokens at the top.
 */
import type { Random } from '../../rng.ts';
import { SIDE, type Canvas, type Point } from '../canvas.ts';

/** Levels are 1..LEVELS. */
export const LEVELS = 12;

export interface Family<Scene> {
  /** What can be asked: equivalent phrasings without numbers. */
  readonly phrasings: readonly string[];
  scene(level: number, random: Random): Scene;
  draw(scene: Scene, canvas: Canvas): void;
  question(scene: Scene, phrasing: string): LadderQuestion;
}

export interface LadderQuestion {
  readonly text: string;
  readonly answer: number;
  /** What is read off the picture, in order: `3 8 1`. */
  readonly reading: string;
  /** The reading, then each step; without the box. */
  readonly working: string;
}

/** Paper around a grid, so that a shifted drawing stays on it. */
export const MARGIN = 2;

/** Side of the square that grids fill. */
export const INNER = SIDE - 2 * MARGIN;

/** The middle of cell `i`, in reading order, of a grid of `columns` by `rows` cells. */
export function cellCentre(i: number, columns: number, rows: number): Point {
  const [column, row] = [i % columns, Math.floor(i / columns)];
  return [MARGIN + (INNER / columns) * (column + 0.5), MARGIN + (INNER / rows) * (row + 0.5)];
}

/** `3 8 1`, then the sum in running steps: `3 8 1 3+8=11 11+1=12`. */
export function runningSum(values: readonly number[]): { total: number; reading: string; working: string } {
  let total = values[0] ?? 0;
  const steps = values.slice(1).map((value) => {
    const before = total;
    total += value;
    return `${before}+${value}=${total}`;
  });
  return { total, reading: values.join(' '), working: [...values, ...steps].join(' ') };
}

/** `level` whole numbers in low..high. */
export function numbers(level: number, random: Random, low: number, high: number): number[] {
  return Array.from({ length: level }, () => random.int(low, high));
}
