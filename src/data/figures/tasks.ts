/**
 * The questions about a scene, with the true answer and the equivalent ways of working it out. The policy sees only the
 * question; answers and workings are for the evaluator and for pretraining.
 */
import type { Random } from '../rng.ts';
import type {
  BarsScene,
  ClockScene,
  GridScene,
  RectangleScene,
  Scene,
  SceneKind,
  SceneOf,
  TriangleScene,
} from './scenes.ts';

export interface Task {
  /** Kind of question, for reports: `rectangle/area`. */
  readonly kind: string;
  readonly scene: SceneKind;
  readonly text: string;
  readonly answer: number;
  /** Equally good workings that end in the answer, without the box. */
  readonly workings: readonly string[];
}

interface TaskDef<S extends Scene> {
  readonly name: string;
  readonly phrasings: readonly string[];
  /** Drawn once per question; null for tasks without a number in the question. `{k}` in the phrasing stands for it. */
  readonly k?: readonly [low: number, high: number];
  answer(scene: S, k: number): number;
  workings(scene: S, k: number): readonly string[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** `a+b=s` in both orders. */
const add = (a: number, b: number): string[] => [`${a}+${b}=${a + b}`, `${b}+${a}=${a + b}`];

const RECTANGLE: readonly TaskDef<RectangleScene>[] = [
  {
    name: 'perimeter',
    phrasings: ['What is the perimeter?', 'How long is the outline?'],
    answer: ({ top, left }) => 2 * (top + left),
    workings: ({ top, left }) => [
      ...add(top, left).map((line) => `${line} 2*${top + left}=${2 * (top + left)}`),
      `2*${top}=${2 * top} 2*${left}=${2 * left} ${add(2 * top, 2 * left)[0]}`,
      `2*${left}=${2 * left} 2*${top}=${2 * top} ${add(2 * left, 2 * top)[0]}`,
    ],
  },
  {
    name: 'area',
    phrasings: ['What is the area?', 'How large is the rectangle?'],
    answer: ({ top, left }) => top * left,
    workings: ({ top, left }) => [`${top}*${left}=${top * left}`, `${left}*${top}=${top * left}`],
  },
  {
    name: 'sum',
    phrasings: ['What is the sum of the sides?', 'What do the two sides add to?'],
    answer: ({ top, left }) => top + left,
    workings: ({ top, left }) => add(top, left),
  },
];

const TRIANGLE: readonly TaskDef<TriangleScene>[] = [
  {
    name: 'third-angle',
    phrasings: ['What is the third angle?', 'How large is the top angle?'],
    answer: ({ left, right }) => 180 - left - right,
    workings: ({ left, right }) => [
      ...add(left, right).map((line) => `${line} 180-${left + right}=${180 - left - right}`),
      `180-${left}=${180 - left} ${180 - left}-${right}=${180 - left - right}`,
      `180-${right}=${180 - right} ${180 - right}-${left}=${180 - left - right}`,
    ],
  },
  {
    name: 'sum',
    phrasings: ['What is the sum of the angles?', 'What do the two angles add to?'],
    answer: ({ left, right }) => left + right,
    workings: ({ left, right }) => add(left, right),
  },
];

/** Both readings of the heights, left to right and back. */
const readings = ({ heights: [a, b, c] }: BarsScene): [number, number, number][] => [
  [a, b, c],
  [c, b, a],
];

const BARS: readonly TaskDef<BarsScene>[] = [
  {
    name: 'total',
    phrasings: ['What is the total of the bars?', 'How many blocks are there?'],
    answer: ({ heights }) => sum(heights),
    workings: (scene) =>
      readings(scene).flatMap(([a, b, c]) => [
        `${a}+${b}=${a + b} ${a + b}+${c}=${a + b + c}`,
        `${a}+${b}+${c}=${a + b + c}`,
      ]),
  },
  {
    name: 'tallest',
    phrasings: ['How tall is the tallest bar?', 'What is the largest bar?'],
    answer: ({ heights }) => Math.max(...heights),
    workings: (scene) => readings(scene).map((heights) => heights.join(' ')),
  },
  {
    name: 'range',
    phrasings: ['What is the tallest minus the shortest?'],
    answer: ({ heights }) => Math.max(...heights) - Math.min(...heights),
    workings: (scene) => {
      const high = Math.max(...scene.heights);
      const low = Math.min(...scene.heights);
      return readings(scene).map((heights) => `${heights.join(' ')} ${high}-${low}=${high - low}`);
    },
  },
];

/** Counts by row and by column, each in both directions, as sums: `2+0+1+1=4`. */
function tallies(scene: GridScene, counted: (cell: string) => boolean): string[] {
  const lines = [0, 1, 2, 3].map((line) => [0, 1, 2, 3].map((step) => [4 * line + step, 4 * step + line] as const));
  const rows = lines.map((line) => line.filter(([byRow]) => counted(scene.cells[byRow] ?? '')).length);
  const columns = lines.map((line) => line.filter(([, byColumn]) => counted(scene.cells[byColumn] ?? '')).length);
  return [rows, rows.toReversed(), columns, columns.toReversed()].map((counts) => `${counts.join('+')}=${sum(counts)}`);
}

const count = (scene: GridScene, shape: string): number => scene.cells.filter((cell) => cell === shape).length;

const GRID: readonly TaskDef<GridScene>[] = [
  {
    name: 'discs',
    phrasings: ['How many discs are there?', 'What is the number of discs?'],
    answer: (scene) => count(scene, 'disc'),
    workings: (scene) => tallies(scene, (cell) => cell === 'disc'),
  },
  {
    name: 'squares',
    phrasings: ['How many squares are there?', 'What is the number of squares?'],
    answer: (scene) => count(scene, 'square'),
    workings: (scene) => tallies(scene, (cell) => cell === 'square'),
  },
  {
    name: 'shapes',
    phrasings: ['How many shapes are there?', 'What is the number of shapes?'],
    answer: (scene) => count(scene, 'disc') + count(scene, 'square'),
    workings: (scene) => [
      ...add(count(scene, 'disc'), count(scene, 'square')),
      ...tallies(scene, (cell) => cell !== ''),
    ],
  },
];

/** The hour by its distance from the nearest quarter of the dial, before and after. */
function fromQuarters(hour: number): string[] {
  const before = hour - (hour % 3);
  const after = 3 * Math.ceil(hour / 3);
  return [`${before}+${hour - before}=${hour}`, `${after}-${after - hour}=${hour}`];
}

const CLOCK: readonly TaskDef<ClockScene>[] = [
  {
    name: 'hour',
    phrasings: ['What hour is it?', 'What hour is on the clock?'],
    answer: ({ hour }) => hour,
    workings: ({ hour }) => fromQuarters(hour),
  },
  {
    name: 'later',
    phrasings: ['What hour in {k} hours?', 'What hour is {k} hours on?'],
    k: [2, 9],
    answer: ({ hour }, k) => ((hour + k - 1) % 12) + 1,
    workings: ({ hour }, k) => {
      const total = hour + k;
      return total <= 12 ? add(hour, k) : add(hour, k).map((line) => `${line} ${total}-12=${total - 12}`);
    },
  },
];

const TASKS: { readonly [K in SceneKind]: readonly TaskDef<SceneOf<K>>[] } = {
  rectangle: RECTANGLE,
  triangle: TRIANGLE,
  bars: BARS,
  grid: GRID,
  clock: CLOCK,
};

/** Every kind of question, in order, as reports name them. */
export const TASK_KINDS: readonly string[] = Object.entries(TASKS).flatMap(([scene, tasks]) =>
  tasks.map(({ name }) => `${scene}/${name}`),
);

/** One question of every kind that the scene allows, phrasing (and k) drawn from `random`. */
export function tasksOf(scene: Scene, random: Random): Task[] {
  // The table maps each kind of scene to tasks on it, which TypeScript cannot follow through the union.
  const tasks = TASKS[scene.kind] as readonly TaskDef<Scene>[];
  return tasks.map((task) => {
    const k = task.k === undefined ? 0 : random.int(...task.k);
    return {
      kind: `${scene.kind}/${task.name}`,
      scene: scene.kind,
      text: random.pick(task.phrasings).replace('{k}', String(k)),
      answer: task.answer(scene, k),
      workings: task.workings(scene, k),
    };
  });
}

/** All texts of the built-in questions, for the mini's vocabulary; `{k}` stands for a digit. */
export const ALL_PHRASINGS: readonly string[] = Object.values(TASKS).flatMap((tasks) =>
  tasks.flatMap(({ phrasings }) => phrasings),
);

export function boxed(answer: number): string {
  return `\\boxed{${answer}}`;
}

/** A whole response: the working, then the box; with no working, the box alone. */
export function response(task: Task, working: string | null): string {
  return working === null ? boxed(task.answer) : `${working} ${boxed(task.answer)}`;
}
