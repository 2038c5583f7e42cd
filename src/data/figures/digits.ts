/** Digits as polylines in a box of 4 wide by 6 high, y down; drawn with strokes, so no font is needed. */
import type { Canvas, Point } from './canvas.ts';

const GLYPHS: readonly (readonly (readonly Point[])[])[] = [
  [
    [
      [2, 0],
      [0.6, 0.7],
      [0, 2.2],
      [0, 3.8],
      [0.6, 5.3],
      [2, 6],
      [3.4, 5.3],
      [4, 3.8],
      [4, 2.2],
      [3.4, 0.7],
      [2, 0],
    ],
  ],
  [
    [
      [0.8, 1.3],
      [2.3, 0],
      [2.3, 6],
    ],
    [
      [0.8, 6],
      [3.8, 6],
    ],
  ],
  [
    [
      [0.1, 1.4],
      [0.9, 0.2],
      [2.4, 0],
      [3.7, 0.8],
      [3.7, 2],
      [0, 6],
      [4, 6],
    ],
  ],
  [
    [
      [0.1, 0.2],
      [3.9, 0.2],
      [1.8, 2.4],
      [3.4, 2.8],
      [4, 4.2],
      [3.2, 5.6],
      [1.6, 6],
      [0, 5.3],
    ],
  ],
  [
    [
      [3, 6],
      [3, 0],
      [0, 4.2],
      [4, 4.2],
    ],
  ],
  [
    [
      [3.8, 0],
      [0.4, 0],
      [0.2, 2.7],
      [2.2, 2.3],
      [3.8, 3.3],
      [3.7, 5.1],
      [2.2, 6],
      [0, 5.5],
    ],
  ],
  [
    [
      [3.5, 0.2],
      [1.7, 0.7],
      [0.4, 2.4],
      [0, 4.3],
      [0.8, 5.7],
      [2.2, 6],
      [3.7, 5.4],
      [3.9, 3.9],
      [2.8, 2.9],
      [1.2, 3.1],
      [0.2, 4.1],
    ],
  ],
  [
    [
      [0, 0],
      [4, 0],
      [1.4, 6],
    ],
  ],
  [
    [
      [2, 2.8],
      [0.4, 2],
      [0.5, 0.6],
      [2, 0],
      [3.5, 0.6],
      [3.6, 2],
      [2, 2.8],
      [0.2, 4],
      [0.3, 5.4],
      [2, 6],
      [3.7, 5.4],
      [3.8, 4],
      [2, 2.8],
    ],
  ],
  [
    [
      [3.8, 1.9],
      [2.8, 3.1],
      [1.2, 3.1],
      [0.1, 2.1],
      [0.3, 0.6],
      [1.8, 0],
      [3.2, 0.3],
      [4, 1.7],
      [3.6, 3.6],
      [2.3, 5.3],
      [0.5, 5.8],
    ],
  ],
];

const ADVANCE = 5.8;

/** Writes a whole number centred on `centre`; `size` is the height of a digit. */
export function writeNumber(canvas: Canvas, value: number, centre: Point, size: number): void {
  const unit = size / 6;
  const digits = [...String(value)].map(Number);
  const width = (ADVANCE * (digits.length - 1) + 4) * unit;
  digits.forEach((digit, index) => {
    const x = centre[0] - width / 2 + index * ADVANCE * unit;
    const y = centre[1] - size / 2;
    for (const stroke of GLYPHS[digit] ?? []) {
      canvas.polyline(stroke.map(([px, py]) => [x + px * unit, y + py * unit]));
    }
  });
}
