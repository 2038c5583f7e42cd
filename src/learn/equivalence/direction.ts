/**
 * Words that turn an amount around: `$5 profit` is not `$5 loss`, `5% increase` is an increase of 5 %. An amount
 * without a direction equals either.
 */
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

/** Pairs of opposites: words of one side and of the other. Words of the first list may stand apart from the amount. */
const WAYS: readonly (readonly [string, string])[] = [
  ['profit gain surplus won deposit credit', 'loss deficit lost withdrawal debit'],
  ['increase increases increased rise rose growth', 'decrease decreases decreased fall fell decline drop'],
  ['up upward upwards', 'down downward downwards'],
  ['left leftward leftwards', 'right rightward rightwards'],
  ['north N', 'south S'],
  ['east E', 'west W'],
  ['clockwise CW', 'counterclockwise counter-clockwise anticlockwise anti-clockwise CCW'],
  ['forward forwards ahead', 'back backward backwards behind'],
];
const COMPARED: readonly (readonly [string, string])[] = [
  ['gained win wins earned', 'losses loses lose spent'],
  ['more above over', 'less fewer below under'],
  ['at least|minimum|no less than', 'at most|maximum|no more than'],
  ['early before ago', 'late after later'],
  ['faster fast', 'slower slow'],
  ['longer taller older higher', 'shorter younger lower'],
  ['hotter warmer', 'colder cooler'],
  ['heavier|bigger|larger|greater', 'lighter|smaller'],
  ['expand stretch', 'shrink compress'],
  ['inward inwards', 'outward outwards'],
  ['overpaid|overcharged|too much|too many', 'underpaid|undercharged|too little|too few'],
  ['NE', 'SW'],
  ['NW', 'SE'],
];

/** Letters in capitals alone. */
const anyOf = (words: string): string => {
  const list = words.split(words.includes('|') ? '|' : ' ');
  return list
    .map((word) => (/^[A-Z]+$/.test(word) ? word : word.replaceAll(/[a-z]/g, (c) => `[${c}${c.toUpperCase()}]`)))
    .join('|');
};
const test = (words: string): RegExp => new RegExp(`(?<![A-Za-z-])(?:${anyOf(words)})(?![A-Za-z-])`);
const OPPOSITES = [...WAYS, ...COMPARED].map(([one, other]) => [test(one), test(other)] as const);

export function areOpposite(a: string, b: string): boolean {
  if (!/\d/.test(a) || !/\d/.test(b)) return false;
  return OPPOSITES.some(([one, other]) => {
    const says = (text: string): readonly [boolean, boolean] => [one.test(text), other.test(text)];
    const [[x, y], [p, q]] = [says(a), says(b)];
    return x !== y && p !== q && x !== p;
  });
}

const NAMED = new RegExp(`(?<![A-Za-z-])(${WAYS.slice(0, 2).flat().map(anyOf).join('|')})(?![A-Za-z-])`);

/** The direction in a label that is dropped: `the loss is` -> `loss of`. */
export const directionOf = (label: string): string => {
  const word = NAMED.exec(label)?.[1];
  return word === undefined ? '' : `${word} of `;
};

const SIDES = WAYS.flatMap((pair, row) =>
  pair.map((words, side) => ({ way: `${row}${side}`, words: anyOf(words) })),
).map(({ way, words }) => ({
  way,
  after: new RegExp(`^((?![A-Za-z]).*[\\d})%°].*?)\\s+(?:(?:to|towards?|in) the\\s+|due\\s+|to\\s+)?(?:${words})$`),
  before: new RegExp(`^(?:[Aa]n?\\s+)?(?:${words})\\s+(?:of|by)\\s+(.+)$`),
}));

/**
 * `5 m to the left`, `10 km N`, `a loss of $5`, `increased by 10%`. A letter needs a unit before it: `10 N` is a force.
 */
export function readDirected(text: string, depth: number, read: Read): Value | null {
  if (text.length > 80 || !/\d/.test(text)) return null;
  for (const { way, after, before } of SIDES) {
    const amount = after.exec(text)?.[1] ?? before.exec(text)?.[1];
    const value = amount === undefined ? undefined : read(amount.trim(), depth + 1);
    if (value?.type === 'quantity' && (value.unit ?? (value.percent || !/\s[A-Z]$/.test(text))))
      return { type: 'directed', amount: value, way };
  }
  return null;
}
