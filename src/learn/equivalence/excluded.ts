/** `x \ne 2, x \ne -2` and `x \ne \pm 2`: all real numbers but these. */
import { exact } from './evaluate.ts';
import { REALS, without } from './inequality.ts';
import { eachSigned } from './plus-minus.ts';
import { toNumber } from './rational.ts';
import type { Read } from './relation.ts';
import { splitTop } from './split.ts';
import type { Value } from './value.ts';

export function readExcluded(text: string, depth: number, read: Read): Value | null {
  const [, name, list] = /^([A-Za-z])\s*\\ne\s*(.+)$/s.exec(text) ?? [];
  if (name === undefined || list === undefined) return null;
  const parts = splitTop(list, /,\s*(?:and|or)?|\s(?:and|or)\s/g)?.parts ?? [list];
  const points = parts
    .map((part) => part.replace(new RegExp(String.raw`^${name}\s*\\ne\s*`), ''))
    .flatMap((part) => eachSigned(read(part, depth + 1)))
    .flatMap((point) => {
      const value = point.type === 'quantity' && !point.unit ? exact(point.expression) : null;
      return value ? [{ point, at: toNumber(value) }] : [];
    })
    .toSorted((a, b) => a.at - b.at);
  return points.length > 1 && points.length >= parts.length
    ? without(
        REALS,
        points.map(({ point }) => point),
      )
    : null;
}
