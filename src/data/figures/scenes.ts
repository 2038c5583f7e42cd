/**
 * The five kinds of picture: the content of each, and how it is drawn. A scene's numbers can be read only from its
 * picture.
 */
import type { Random } from '../rng.ts';
import { SIDE, type Canvas, type Point } from './canvas.ts';
import { writeNumber } from './digits.ts';

/** Side lengths, 2..9, written above (`top`) and left of (`left`) the rectangle. */
export interface RectangleScene {
  readonly kind: 'rectangle';
  readonly top: number;
  readonly left: number;
}

/** Angles at the base in degrees, multiples of 5 in 20..85 that sum to at most 160, written under their corners. */
export interface TriangleScene {
  readonly kind: 'triangle';
  readonly left: number;
  readonly right: number;
}

/** Heights in blocks, 1..9, from left to right. */
export interface BarsScene {
  readonly kind: 'bars';
  readonly heights: readonly [number, number, number];
}

/** Cells of a 4 x 4 grid, row-major; 1..6 discs and 1..6 squares. */
export interface GridScene {
  readonly kind: 'grid';
  readonly cells: readonly ('' | 'disc' | 'square')[];
}

/** The hour, 1..12, that the only hand points at. */
export interface ClockScene {
  readonly kind: 'clock';
  readonly hour: number;
}

export type Scene = RectangleScene | TriangleScene | BarsScene | GridScene | ClockScene;
export type SceneKind = Scene['kind'];
export type SceneOf<K extends SceneKind> = Extract<Scene, { kind: K }>;

export const SCENE_KINDS = ['rectangle', 'triangle', 'bars', 'grid', 'clock'] as const satisfies readonly SceneKind[];

export function randomScene(kind: SceneKind, random: Random): Scene {
  switch (kind) {
    case 'rectangle':
      return { kind, top: random.int(2, 9), left: random.int(2, 9) };
    case 'triangle':
      return { kind, ...randomAngles(random) };
    case 'bars':
      return { kind, heights: [random.int(1, 9), random.int(1, 9), random.int(1, 9)] };
    case 'grid':
      return { kind, cells: randomCells(random) };
    case 'clock':
      return { kind, hour: random.int(1, 12) };
  }
}

function randomAngles(random: Random): { left: number; right: number } {
  for (;;) {
    const left = 5 * random.int(4, 17);
    const right = 5 * random.int(4, 17);
    if (left + right <= 160) return { left, right };
  }
}

function randomCells(random: Random): ('' | 'disc' | 'square')[] {
  const discs = random.int(1, 6);
  const squares = random.int(1, 6);
  const cells = Array.from({ length: 16 }, (_, i) => (i < discs ? 'disc' : i < discs + squares ? 'square' : ''));
  return random.shuffle(cells);
}

export function drawScene(scene: Scene, canvas: Canvas, random: Random): void {
  switch (scene.kind) {
    case 'rectangle':
      return drawRectangle(scene, canvas, random);
    case 'triangle':
      return drawTriangle(scene, canvas, random);
    case 'bars':
      return drawBars(scene, canvas);
    case 'grid':
      return drawGrid(scene, canvas);
    case 'clock':
      return drawClock(scene.hour, canvas, [SIDE / 2, SIDE / 2]);
  }
}

/** The outline's proportions do not reveal the labels: only the digits do. */
function drawRectangle(scene: RectangleScene, canvas: Canvas, random: Random): void {
  const left = 12.5;
  const top = 13.5;
  const right = random.range(28, 37);
  const bottom = random.range(27, 36);
  canvas.polyline([
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ]);
  writeNumber(canvas, scene.top, [(left + right) / 2, 6.5], 8);
  writeNumber(canvas, scene.left, [6, (top + bottom) / 2], 8);
}

function drawTriangle(scene: TriangleScene, canvas: Canvas, random: Random): void {
  const base = 25.5;
  const left: Point = [random.range(4, 9), base];
  const right: Point = [random.range(31, 36), base];
  const apex: Point = [random.range(11, 29), random.range(4, 11)];
  canvas.polyline([left, right, apex, left]);
  writeNumber(canvas, scene.left, [9.5, 33], 7.5);
  writeNumber(canvas, scene.right, [30.5, 33], 7.5);
}

/** Each bar is a stack of blocks, so that its height can be counted. */
function drawBars(scene: BarsScene, canvas: Canvas): void {
  const floor = 37;
  const block = 3.7;
  scene.heights.forEach((height, bar) => {
    const middle = 8.5 + 11.5 * bar;
    for (let i = 0; i < height; i++) {
      const y = floor - block * (i + 0.5);
      canvas.polyline(
        [
          [middle - 2.6, y],
          [middle + 2.6, y],
        ],
        0.95,
      );
    }
  });
}

function drawGrid(scene: GridScene, canvas: Canvas): void {
  const pitch = 8.9;
  scene.cells.forEach((cell, i) => {
    const x = SIDE / 2 + pitch * ((i % 4) - 1.5);
    const y = SIDE / 2 + pitch * (Math.floor(i / 4) - 1.5);
    const half = 2.8;
    if (cell === 'disc') canvas.dot([x, y], half);
    if (cell === 'square') canvas.square([x, y], half);
  });
}

/** @param scale 1 fills the picture. */
export function drawClock(hour: number, canvas: Canvas, centre: Point, scale = 1): void {
  const at = (step: number, radius: number): Point => {
    const [x, y] = CIRCLE[step % 24] as Point;
    return [centre[0] + scale * radius * x, centre[1] + scale * radius * y];
  };
  canvas.polyline(Array.from({ length: 25 }, (_, step) => at(step, 16.5)));
  for (let mark = 0; mark < 12; mark++) {
    canvas.polyline([at(2 * mark, mark % 3 === 0 ? 12 : 14), at(2 * mark, 16.5)]);
  }
  canvas.polyline([at(0, 0), at(2 * hour, 10.5)], canvas.pen + 0.5 * scale);
  canvas.dot(centre, 1.6 * scale);
}

/** 24 directions clockwise from 12 o'clock, by repeated rotation through 15 degrees. */
const CIRCLE: readonly Point[] = (() => {
  const cos = (Math.sqrt(6) + Math.sqrt(2)) / 4;
  const sin = (Math.sqrt(6) - Math.sqrt(2)) / 4;
  const points: Point[] = [[0, -1]];
  for (let i = 1; i < 24; i++) {
    const [x, y] = points[i - 1] as Point;
    points.push([x * cos - y * sin, x * sin + y * cos]);
  }
  return points;
})();
