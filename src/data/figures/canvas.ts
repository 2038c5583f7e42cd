/**
 * Ink on paper: strokes with round ends, anti-aliased by the distance of each pixel's centre to the segment.
 * Coordinates are in the unit of the scene, mapped to pixels by an affine map. Only + - * / and sqrt, so every platform
 * draws the same bytes.
 */
import type { Picture } from '../../protocol/messages.ts';
import type { Random } from '../rng.ts';

export const SIDE = 40;

export type Point = readonly [x: number, y: number];

/**
 * How far a rendering strays from the ideal drawing; a range is uniform, `noise` is a standard deviation in grey levels
 * of 0..1.
 */
export interface Style {
  readonly shift: number;
  readonly scale: number;
  readonly shear: number;
  readonly stroke: readonly [number, number];
  readonly paper: readonly [number, number];
  readonly ink: readonly [number, number];
  readonly gradient: number;
  readonly noise: readonly [number, number];
}

export const STYLES = {
  plain: {
    shift: 1.2,
    scale: 0.05,
    shear: 0.05,
    stroke: [0.55, 0.8],
    paper: [0.82, 1],
    ink: [0, 0.25],
    gradient: 0.08,
    noise: [0.01, 0.04],
  },
  hard: {
    shift: 1.8,
    scale: 0.09,
    shear: 0.12,
    stroke: [0.45, 1],
    paper: [0.7, 1],
    ink: [0, 0.35],
    gradient: 0.2,
    noise: [0.03, 0.09],
  },
  harsh: {
    shift: 2.4,
    scale: 0.13,
    shear: 0.18,
    stroke: [0.4, 1.1],
    paper: [0.6, 1],
    ink: [0, 0.45],
    gradient: 0.3,
    noise: [0.06, 0.16],
  },
} as const satisfies Record<string, Style>;

export type Rendering = keyof typeof STYLES;
export const RENDERINGS = Object.keys(STYLES) as readonly Rendering[];

export class Canvas {
  /** Ink coverage in [0, 1], row-major. */
  private readonly cover = new Float64Array(SIDE * SIDE);
  private readonly map: (point: Point) => Point;
  private readonly random: Random;
  private readonly style: Style;
  /** Half the width of a normal stroke, in pixels. */
  readonly pen: number;

  constructor(random: Random, rendering: Rendering) {
    this.random = random;
    this.style = STYLES[rendering];
    this.pen = random.range(...this.style.stroke);
    this.map = jitter(random, this.style);
  }

  /** Strokes from point to point; `pen` is half the width in pixels. */
  polyline(points: readonly Point[], pen = this.pen): void {
    const mapped = points.map(this.map);
    if (mapped.length === 1) this.segment(mapped[0] as Point, mapped[0] as Point, pen);
    for (let i = 1; i < mapped.length; i++) this.segment(mapped[i - 1] as Point, mapped[i] as Point, pen);
  }

  dot(at: Point, radius: number): void {
    this.polyline([at], radius);
  }

  /** The outline of a square; `half` is half its side. */
  square([x, y]: Point, half: number): void {
    this.polyline([
      [x - half, y - half],
      [x + half, y - half],
      [x + half, y + half],
      [x - half, y + half],
      [x - half, y - half],
    ]);
  }

  private segment([x0, y0]: Point, [x1, y1]: Point, pen: number): void {
    const reach = pen + 1;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(SIDE - 1, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(y0, y1) + reach));
    const dx = x1 - x0;
    const dy = y1 - y0;
    const square = dx * dx + dy * dy;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - x0;
        const py = y + 0.5 - y0;
        const along = square === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / square));
        const ex = px - along * dx;
        const ey = py - along * dy;
        const ink = Math.min(1, Math.max(0, pen + 0.5 - Math.sqrt(ex * ex + ey * ey)));
        const at = y * SIDE + x;
        if (ink > (this.cover[at] as number)) this.cover[at] = ink;
      }
    }
  }

  /** Puts the ink on paper: contrast, a faint linear gradient of light, noise; one byte a pixel. */
  develop(): Picture {
    const { random, style } = this;
    const paper = random.range(...style.paper);
    const ink = random.range(...style.ink);
    const noise = random.range(...style.noise);
    const slopeX = random.range(-style.gradient, style.gradient) / SIDE;
    const slopeY = random.range(-style.gradient, style.gradient) / SIDE;
    const data = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < data.length; i++) {
      const light = slopeX * ((i % SIDE) - SIDE / 2) + slopeY * (Math.floor(i / SIDE) - SIDE / 2);
      const grey = paper + (ink - paper) * (this.cover[i] as number) + light + noise * random.normal();
      data[i] = Math.round(255 * Math.min(1, Math.max(0, grey)));
    }
    return { width: SIDE, height: SIDE, channels: 1, data };
  }
}

/** A random affine map about the middle of the picture. */
function jitter(random: Random, style: Style): (point: Point) => Point {
  const middle = SIDE / 2;
  const scaleX = 1 + random.range(-style.scale, style.scale);
  const scaleY = 1 + random.range(-style.scale, style.scale);
  const shearX = random.range(-style.shear, style.shear);
  const shearY = random.range(-style.shear, style.shear);
  const shiftX = random.range(-style.shift, style.shift);
  const shiftY = random.range(-style.shift, style.shift);
  return ([x, y]) => [
    middle + scaleX * (x - middle) + shearX * (y - middle) + shiftX,
    middle + scaleY * (y - middle) + shearY * (x - middle) + shiftY,
  ];
}
