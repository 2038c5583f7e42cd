/** Answers in words. */
import { integer, numberOf, operation } from './expression.ts';
import { parseUnit, type Unit } from './units.ts';
import type { Quantity, Value } from './value.ts';

const NUMBERS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  );
export const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);
const DAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** Different words for one answer. `yes` and `true` are one, `no` and `false` are one. */
const SYNONYMS = new Map<string, string>(
  Object.entries({
    true: 'yes',
    correct: 'yes',
    false: 'no',
    incorrect: 'no',
    'no solutions': 'empty set',
    'no solution': 'empty set',
    'no real solution': 'empty set',
    'no real solutions': 'empty set',
    '\\emptyset': 'empty set',
    'null set': 'empty set',
    ...Object.fromEntries(DAYS.map((day) => [day.slice(0, 3), day])),
    ...Object.fromEntries(MONTHS.map((month) => [month.slice(0, 3), month])),
    dne: 'undefined',
    'does not exist': 'undefined',
    'not defined': 'undefined',
    'all reals': 'all real numbers',
    '\\mathbb{r}': 'all real numbers',
    '(-\\infty, \\infty)': 'all real numbers',
    reals: 'all real numbers',
    'cannot be determined': 'not determined',
    'can not be determined': 'not determined',
    'cannot determine': 'not determined',
    'not enough information': 'not determined',
    'insufficient information': 'not determined',
    'cannot tell': 'not determined',
    'none of these': 'none of the above',
    'all of these': 'all of the above',
    sept: 'september',
    tues: 'tuesday',
    thur: 'thursday',
    thurs: 'thursday',
  }),
);

/** A weekday or a month, whole or short. */
export function isCalendarWord(text: string): boolean {
  const word = text.toLowerCase().replace(/\.$/, '');
  return [...DAYS, ...MONTHS].includes(SYNONYMS.get(word) ?? word);
}

/** Case, spacing, articles, quotes and closing punctuation do not matter. */
export function foldWords(text: string): string {
  const folded = text
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .replace(/['"`]/g, '')
    // `café`, `Dr.`, `U.S.A.`
    .normalize('NFD')
    .replace(/(?<=[a-z])\p{M}+/gu, '')
    .normalize('NFC')
    .replace(/(?<=\p{L})\.(?=\s)|(?<=(?:^|[\s.])\p{L})\./gu, '')
    .replace(/\bgrey\b/g, 'gray')
    .replace(/\b(cent|met|lit)re(s?)\b/g, '$1er$2')
    .replace(/\b(col|fav|neighb)our/g, '$1or')
    .replace(/^(?:the|a|an)\s+(?=\S{2})/, '')
    .replace(/[.!?\s]+$/, '')
    .replace(
      /^(?:quadrant|figure|graph|choice)\s+(?=\S)|(?<=\S)\s+(?:triangle|quadrant|congruence|postulate|theorem|criterion)s?$/g,
      '',
    )
    .trim();
  return SYNONYMS.get(folded) ?? folded;
}

const FRACTIONS = new Map<string, bigint>(
  Object.entries({
    half: 2n,
    halve: 2n,
    third: 3n,
    quarter: 4n,
    fourth: 4n,
    fifth: 5n,
    sixth: 6n,
    eighth: 8n,
    tenth: 10n,
  }),
);
export const ORDINALS = 'first second third fourth fifth sixth seventh eighth ninth tenth'.split(' ');
const FUNCTION_WORDS = /^(?:sin|cos|tan|log|ln|pi|sqrt|exp|infinity|inf|theta|alpha|beta|lambda|pm|x|y|z)$/i;
/** Words of two letters; any other two letters are a product of names. */
const SHORT_WORDS = new Set('no on up in at by it is am pm us uk ny ok'.split(' '));

const quantity = (n: bigint, d = 1n, unit: Unit | null = null): Quantity => ({
  type: 'quantity',
  expression: numberOf({ n, d }),
  unit,
  percent: false,
});

/** A letter with a noun: `x-axis`. */
const LETTERED =
  /^(?:the\s+)?[a-z]{1,2}[\s-]+(?:axis|axes|intercepts?|coordinates?|components?|values?|direction|plane|chromosomes?|rays?)$/i;

/** Text of words only: a number in words, with a unit or not, or plain words. */
export function readWords(text: string): Value | null {
  const folded = foldWords(text);
  if (folded !== text.toLowerCase() && [...SYNONYMS.values()].includes(folded)) return { type: 'words', text: folded };
  if (
    !/^[\p{L}\s'’.&-]+$/u.test(text) ||
    /(?<!hundred|thousand|million)\s(?:and|or)\s(?!(?:an?|one|two|three) (?:half|third|quarter|fourth)s?$)/i.test(text)
  )
    return null;
  if (LETTERED.test(text)) return { type: 'words', text: folded.replace(/^the /, '') };
  const parts = folded.split(' ');
  const number = readNumberWords(parts);
  if (number) return number;
  if (parts.some((part) => FUNCTION_WORDS.test(part)) || !parts.some((part) => part.length >= 2)) return null;
  if (text.length === 2 && !SHORT_WORDS.has(folded)) return null;
  if (/(?:^|[^\p{L}])-|-(?:[^\p{L}]|$)/u.test(text) || /(?<![\p{L}])\p{L}-\p{L}(?![\p{L}])/u.test(text)) return null;
  return { type: 'words', text: folded };
}

/** `five`, `twenty one`, `two thirds`, `half`, `five apples`. */
function readNumberWords(parts: readonly string[]): Value | null {
  const [first = ''] = parts;
  const size = /^(?:minus|negative)$/.test(first) ? readNumberWords(parts.slice(1)) : null;
  if (size?.type === 'quantity') return { ...size, expression: operation('-', integer(0n), size.expression) };
  const { value, length } = leadingNumber(parts);
  const ordinal = parts.length === 1 ? ORDINALS.indexOf(parts[0] ?? '') + 1 : 0;
  const share = FRACTIONS.get(parts[0] ?? '');
  if (ordinal > 0)
    return share
      ? { type: 'either', parts: [quantity(1n, share), quantity(BigInt(ordinal))] }
      : quantity(BigInt(ordinal));
  const denominator = FRACTIONS.get((parts[length] ?? '').replace(/s$/, ''));
  if (denominator !== undefined && parts.length === length + 1)
    return quantity(BigInt(length === 0 ? 1 : value), denominator);
  if (length === 0) return null;
  // `five and a half`.
  const more = parts[length] === 'and' ? readNumberWords(parts.slice(length + 1).filter((word) => word !== 'a')) : null;
  if (more?.type === 'quantity')
    return { ...more, expression: operation('+', integer(BigInt(value)), more.expression) };
  const rest = parts.slice(length).join(' ').replace('per cent', 'percent');
  if (rest === 'percent') return { ...quantity(BigInt(value)), percent: true };
  if (rest === '') return quantity(BigInt(value));
  const unit = parseUnit(rest);
  return unit && quantity(BigInt(value), 1n, unit);
}

/** The number at the start of the words, and how many words it takes: `two hundred and five` is 205 in 4. */
export function leadingNumber(words: readonly string[]): { value: number; length: number } {
  let [total, group, length] = [0, 0, 0];
  /** Upper bound of the next word: one to nine after `twenty`, only a power of ten after `five`. */
  let room = 100;
  for (const [i, word] of words.entries()) {
    const one = NUMBERS.indexOf(word);
    const ten = (TENS.indexOf(word) + 2) * 10;
    const size = one >= 0 ? one : ten >= 20 ? ten : null;
    const power = LARGE.get(word);
    if (size !== null && size < room && (size > 0 || i === 0)) {
      group += size;
      room = ten >= 20 ? 10 : 0;
    } else if (power !== undefined && power > 100) {
      total += Math.max(group, 1) * power;
      [group, room] = [0, 100];
    } else if (power !== undefined && group < 100) {
      group = Math.max(group, 1) * power;
      room = power === 100 ? 100 : 0;
    } else if (word === 'and' && room === 100 && i > 0) continue;
    else break;
    length = i + 1;
  }
  return { value: total + group, length };
}

const LARGE = new Map(Object.entries({ dozen: 12, hundred: 100, thousand: 1000, million: 1e6, billion: 1e9 }));
