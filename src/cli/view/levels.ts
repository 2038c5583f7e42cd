/** Accuracy by level: a row of shades over versions for each level where there is room for all, otherwise one line. */
import type { LevelPoint } from '../../protocol/status.ts';
import { bars, shades } from './chart.ts';
import { percent } from './format.ts';
import type { Line, Span } from './text.ts';

/** Room for `  100 % → 100 %`. */
const NUMBERS = 15;
/** Rows that the rest of the frame should keep. */
const SPARE = 2;

/**
 * The hardest level comes first, so that learning climbs.
 * @param label names a line, and is as wide for each.
 */
export function levelLines(
  points: readonly LevelPoint[] | undefined,
  label: (name: string) => Span,
  { width, room }: { readonly width: number; readonly room: number },
): Line[] {
  const [first, now] = [points?.[0], points?.at(-1)];
  if (points === undefined || first === undefined || now === undefined || room < 1) return [];
  const names = levelNames(now);
  if (names.length === 0) return [];
  const columns = width - label('')[0].length - NUMBERS;
  if (room < names.length + SPARE || columns < 1) return [strip(names, first, now, label)];
  return names.toReversed().map((name) => {
    const of = ({ levels }: LevelPoint) => levels[name] ?? null;
    return [
      label(`level ${name}`),
      [shades(points.map(of), columns), 'green'],
      [`  ${percent(of(first), 0).padStart(5)} → `, 'dim'],
      [percent(of(now), 0).padStart(5)],
    ];
  });
}

/** `levels     1 ██▆▅▂▁ 12  base █▆▄▂▁▁` */
function strip(names: readonly string[], first: LevelPoint, now: LevelPoint, label: (name: string) => Span): Line {
  const of = ({ levels }: LevelPoint) => bars(names.map((name) => levels[name] ?? 0));
  return [
    label('levels'),
    [`${names[0]} `, 'dim'],
    [of(now), 'green'],
    [` ${names.at(-1)}`, 'dim'],
    ...(now === first ? [] : ([[`  at version ${first.version} ${of(first)}`, 'dim']] as const)),
  ];
}

/** From the easiest to the hardest. */
export function levelNames({ levels }: LevelPoint): string[] {
  return Object.keys(levels).toSorted((a, b) => Number(a) - Number(b));
}
