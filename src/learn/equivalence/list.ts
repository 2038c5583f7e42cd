/** Lists and unions. */
import { INFINITY, MINUS_INFINITY, REALS, without } from './inequality.ts';
import { eachSigned, hasBothSigns } from './plus-minus.ts';
import { bothHold, type Read } from './relation.ts';
import { splitTop } from './split.ts';
import type { Value } from './value.ts';

const LIST =
  /,\s*(?:and|or)\s+|(?<!\d),|,(?!\d{3}(?!\d))|;|\s(?:and|or)\s|(?<=[\d)\]}])(?:and|or)(?=[\d([{A-Za-z])|\\(?:l?or|vee|land)(?![a-z])/g;

/**
 * `3, 4`, `3; 4`, `3 and 4`, `x = 3 or x = -3`; `x = 1, y = 2; x = 3, y = 4` is a list of lists. Inequalities joined by
 * `or` are a union.
 */
export function readList(text: string, depth: number, read: Read): Value | null {
  const split = (text.includes(';') && text.includes(',') ? splitTop(text, /;/g) : null) ?? splitTop(text, LIST);
  if (!split) return null;
  const parts = split.parts.filter((part) => part !== '');
  const items = parts.map((part) => read(part, depth + 1));
  const [first, second] = items;
  if (items.length <= 1) return first ?? null;
  const together =
    first && second && items.length === 2 && /and|^,$/.test(split.separators[0] ?? '') ? bothHold(first, second) : null;
  if (together) return together;
  const joined = split.separators.every((separator) => !/and/.test(separator));
  const names = items.every(isInterval) ? boundedNames(parts) : null;
  const ofOne = new Set(names).size === 1;
  if (items.every(isHalfLine) ? !names || ofOne : joined && ofOne)
    return { type: 'union', parts: items.flatMap((item) => (item.type === 'union' ? item.parts : [item])) };
  const signed = items.flatMap((item, i) =>
    hasBothSigns(parts[i] ?? '') ? eachSigned(item) : [ofOne ? item : named(item, names?.[i])],
  );
  return { type: 'sequence', open: '', close: '', items: withSharedUnit(signed) };
}

const isHalfLine = (item: Value): boolean =>
  item.type === 'sequence' && item.items.some((end) => end === INFINITY || end === MINUS_INFINITY);
const isInterval = (item: Value): boolean =>
  item.type === 'union' || (item.type === 'sequence' && item.open !== '{' && item.items.length === 2);

/** The letters that inequalities bound, one each; null when a part is something else, such as a point. */
function boundedNames(parts: readonly string[]): readonly string[] | null {
  const names = parts.flatMap((part) => {
    const found = new Set(
      /[<>]|\\(?:le|ge|ne)(?![a-z])/.test(part) ? part.replace(/\\[A-Za-z]+/g, ' ').match(/[A-Za-z]+/g) : [],
    );
    const [name = ''] = found;
    return found.size === 1 && name.length === 1 ? [name] : [];
  });
  return names.length === parts.length ? names : null;
}

/** `0 < x < 3, 1 < y < 2` bounds two numbers: neither a union nor two points. */
const named = (item: Value, name: string | undefined): Value =>
  name === undefined
    ? item
    : {
        type: 'relation',
        operator: '=',
        left: { type: 'quantity', expression: { type: 'variable', name }, unit: null, percent: false },
        right: item,
      };

/** `3 and 4 cm`: the unit applies to every item. */
function withSharedUnit(items: readonly Value[]): readonly Value[] {
  const last = items.at(-1);
  if (last?.type !== 'quantity' || !last.unit) return items;
  return items.map((item) => (item.type === 'quantity' && !item.unit ? { ...item, unit: last.unit } : item));
}

export function readUnion(text: string, depth: number, read: Read): Value | null {
  const [, whole, holes] = /^(.+?)\s*\\(?:setminus|backslash)\s*\\?\{([^{}]*?)\\?\}$/.exec(text) ?? [];
  if (whole !== undefined && holes !== undefined) {
    const points = holes.split(',').map((point) => read(point.trim(), depth + 1));
    return without(/^\\mathbb\s*\{?\s*R/.test(whole) ? REALS : read(whole, depth + 1), points);
  }
  const split = splitTop(text, /\\cup(?![a-z])|(?<=[)\]])\s*U\s*(?=[([])/g);
  if (!split || split.parts.some((part) => part === '')) return null;
  const parts = split.parts.map((part) => read(part, depth + 1));
  const members = parts.flatMap((part) => (part.type === 'sequence' && part.open === '{' ? part.items : []));
  const areSets = parts.every((part) => part.type === 'sequence' && part.open === '{');
  return areSets ? { type: 'sequence', open: '{', close: '}', items: members } : { type: 'union', parts };
}
