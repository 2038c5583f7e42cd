/** `\pm` stands for two answers. */
import { parseExpression } from './parser.ts';
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

const SIGN = /\\pm(?![a-z])|\+\/-/;
const EITHER_SIGN = /\\(?:pm|mp)(?![a-z])|\+\/-/g;
/** Maximum of values: two to the number of signs. */
const MAX_SIGNS = 3;

export const hasBothSigns = (text: string): boolean => SIGN.test(text);

/**
 * `\pm 3`, `1 \pm \sqrt{2}`, `(\pm 1, 2)`: the set of all. Each sign is chosen on its own, unless `\mp` ties it to the
 * others.
 */
export function readPlusMinus(text: string, depth: number, read: Read): Value | null {
  const signs = text.match(EITHER_SIGN) ?? [];
  if (signs.length === 0 || signs.length > MAX_SIGNS || !hasBothSigns(text)) return null;
  const tied = signs.some((sign) => sign.includes('mp'));
  const choices = Array.from({ length: tied ? 2 : 2 ** signs.length }, (_, choice) => {
    let at = 0;
    return text.replace(EITHER_SIGN, (sign) =>
      (tied ? choice : (choice >> at++) & 1) === (sign.includes('mp') ? 1 : 0) ? '+' : '-',
    );
  });
  return {
    type: 'sequence',
    open: '{',
    close: '}',
    items: choices.map((choice) => sum(choice) ?? read(choice, depth + 1)),
  };
}

/** `2-3` is a difference here, not a range. */
function sum(text: string): Value | null {
  const expression = /^[\d\s.+-]+$/.test(text) ? parseExpression(text) : null;
  return expression && { type: 'quantity', expression, unit: null, percent: false };
}

/** The answers that an item of a list stands for: `x = \pm 1` for `x = 1` and `x = -1`. */
export function eachSigned(item: Value): readonly Value[] {
  if (item.type === 'sequence' && item.open === '{') return item.items;
  if (item.type !== 'relation' || item.right.type !== 'sequence' || item.right.open !== '{') return [item];
  return item.right.items.map((right) => ({ ...item, right }));
}
