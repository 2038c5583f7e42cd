import { cellCentre, runningSum, type Family } from './family.ts';

export interface Shape {
  readonly shape: 'disc' | 'square';
  readonly size: 'large' | 'small';
}

export interface ShapesScene {
  readonly shapes: readonly Shape[];
  /** The kind that is counted. */
  readonly asked: Shape;
}

const KINDS: readonly Shape[] = (['disc', 'square'] as const).flatMap((shape) =>
  (['large', 'small'] as const).map((size) => ({ shape, size })),
);

/** Half the width of a shape. */
const HALF = { large: 3.4, small: 1.7 } as const;

/** Discs and squares, large and small, on a grid of 4 by 3; how many have both a shape and a size is asked. */
export const shapes: Family<ShapesScene> = {
  phrasings: ['How many {size} {shape}s are there?', 'What is the number of {size} {shape}s?'],
  scene(level, random) {
    const one = (): Shape => ({ shape: random.pick(['disc', 'square']), size: random.pick(['large', 'small']) });
    return { shapes: Array.from({ length: level }, one), asked: one() };
  },
  draw(scene, canvas) {
    scene.shapes.forEach(({ shape, size }, i) => {
      const at = cellCentre(i, 4, 3);
      if (shape === 'disc') canvas.dot(at, HALF[size]);
      else canvas.square(at, HALF[size]);
    });
  },
  /** A shape that is counted is read as 1, any other as 0. */
  question({ shapes: all, asked }, phrasing) {
    const marks = all.map(({ shape, size }) => Number(shape === asked.shape && size === asked.size));
    const { total, ...work } = runningSum(marks);
    return { text: asking(phrasing, asked), answer: total, ...work };
  },
};

function asking(phrasing: string, { size, shape }: Shape): string {
  return phrasing.replace('{size}', size).replace('{shape}', shape);
}

/** All texts of a phrasing, one for each kind that it can ask for. */
export function textsOf(phrasing: string): readonly string[] {
  return [...new Set(KINDS.map((kind) => asking(phrasing, kind)))];
}
